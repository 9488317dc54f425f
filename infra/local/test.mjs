// `npm test`: installs what is missing, then runs every check on Node 24.
import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { checkNode, installDependencies, node, quietly, run, step } from './prepare.mjs';

checkNode();
await installDependencies();
// Chromium for the pages; curl and jq for the tour in README.md.
const missing = ['chromium', 'curl', 'jq'].filter((program) => !existsSync(`/usr/bin/${program}`));
if (missing.length > 0) await install(missing.join(' '));
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
process.exitCode = await run(['npm', 'run', '--silent', 'check'], { env });

async function install(packages) {
  const command = `apt-get install -y --no-install-recommends ${packages}`;
  if (process.getuid() !== 0) {
    console.error(`The tests need packages that are missing: sudo ${command}`);
    process.exit(1);
  }
  const advice = `apt could not install ${packages}: check the network and apt’s sources`;
  await step(`${packages} installed (apt)`, () =>
    quietly(['sh', '-c', `apt-get update && ${command}`], advice),
  );
}
