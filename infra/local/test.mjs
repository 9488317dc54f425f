// `npm test`: installs missing dependencies, then runs all checks on Node 24.
import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { checkNode, installDependencies, node, quietly, run, step } from './prepare.mjs';

checkNode();
await installDependencies();
// Chromium is needed to test the pages. curl and jq are needed to test the examples in README.md.
const missing = ['chromium', 'curl', 'jq'].filter((program) => !existsSync(`/usr/bin/${program}`));
if (missing.length > 0) await install(missing.join(' '));
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
process.exitCode = await run(['npm', 'run', '--silent', 'check'], { env });

async function install(packages) {
  const command = `apt-get install -y --no-install-recommends ${packages}`;
  if (process.getuid() !== 0) {
    console.error(`The tests need packages that are missing. Run this first: sudo ${command}`);
    process.exit(1);
  }
  const advice = `apt could not install ${packages}. Check the network and the sources of apt.`;
  await step(`${packages} installed (apt)`, () =>
    quietly(['sh', '-c', `apt-get update && ${command}`], advice),
  );
}
