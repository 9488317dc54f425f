// `npm start`: installs missing dependencies, then runs stack.ts on Node 24 and forwards signals to it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkNode, ended, installDependencies, node, root } from './prepare.mjs';

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  console.log(readFileSync(join(root, 'infra/local/help.txt'), 'utf8').trimEnd());
  process.exit(0);
}
checkNode();
await installDependencies();

// The child ends when this process ends, even by kill -9. The child runs in its own session and therefore gets ^C only once, from this
// process.
const stack = ['--pdeathsig', 'TERM', '--', node, join(root, 'infra/local/stack.ts'), ...args];
const child = spawn('setpriv', stack, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
// This process gets each ^C twice, from the terminal and from npm. The second signal is ignored if it comes within one second. A later ^C
// is from a person and ends everything immediately.
let last = 0;
function onSignal() {
  if (Date.now() - last > 1000) child.kill('SIGTERM');
  last = Date.now();
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);

// npm runs this script through a shell. If npm is killed, the parent of the shell or of this process changes.
const lineage = () => {
  const [name, parent] = stat(process.ppid);
  return name === 'sh' ? `${process.ppid} ${parent}` : `${process.ppid}`;
};
const began = lineage();
const watch = setInterval(() => {
  if (process.env.npm_lifecycle_event === 'start' && lineage() !== began) onSignal();
}, 500);

process.exitCode = await ended(child);
clearInterval(watch);

/** Returns the name and the parent of a process, from proc_pid_stat(5). */
function stat(pid) {
  try {
    const [, name, parent] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return [name, parent];
  } catch {
    return [];
  }
}
