import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { saying, step } from './steps.ts';

// `npm run check`: runs the checks and the build in parallel, with one script per processor, and then all tests.

/**
 * Scripts of package.json, in groups that run one after the other. The slowest script of a group comes first. The build checks the types of
 * src and portal, `types` those of the other folders. `lint` and `boundaries` need the types that the build generates for the portal.
 */
const GROUPS = [
  ['build', 'types', 'format'],
  ['lint', 'boundaries'],
];

/** Runs a script of package.json. If the script fails, throws an error with its complete output. */
async function runScript(script: string): Promise<void> {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)));
  const status = await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  if (status !== 0) throw new Error(`failed (npm run ${script})\n${printed}`);
}

/** Runs the scripts of a group, as many at the same time as there are processors. Returns whether all of them succeeded. */
async function runScripts(scripts: readonly string[]): Promise<boolean> {
  const waiting = scripts.values();
  let isClean = true;
  const work = async () => {
    for (const script of waiting)
      await step(script, () => runScript(script)).catch((error: unknown) => {
        isClean = false;
        console.error(saying(error));
      });
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return isClean;
}

async function runGroups(): Promise<boolean> {
  let isClean = true;
  for (const group of GROUPS) isClean = (await runScripts(group)) && isClean;
  return isClean;
}

if (await runGroups()) {
  const tests = spawn('npm', ['run', '--silent', 'test:all'], { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve) =>
    tests.once('close', (code) => resolve(code ?? 1)),
  );
} else process.exitCode = 1;
