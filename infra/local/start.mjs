// `npm start`: installs what is missing, then hands over to stack.ts on Node 24 and passes signals on to it.
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

// Ends with this process, even by kill -9; a session of its own, so that ^C arrives once, through here.
const stack = ['--pdeathsig', 'TERM', '--', node, join(root, 'infra/local/stack.ts'), ...args];
const child = spawn('setpriv', stack, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGTERM'));

// npm killed with -9 tells nobody: this process is then given to another parent.
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.env.npm_lifecycle_event === 'start' && process.ppid !== parent) child.kill('SIGTERM');
}, 1000);

process.exitCode = await ended(child);
clearInterval(watch);
