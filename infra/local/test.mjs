// `npm test`: installs what is missing, then runs every check on Node 24.
import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { checkNode, installDependencies, node, quietly, run, step } from './prepare.mjs';

checkNode();
await installDependencies();
if (!existsSync('/usr/bin/chromium')) await installChromium();
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
process.exitCode = await run(['npm', 'run', '--silent', 'check'], { env });

async function installChromium() {
  const command = 'apt-get install -y --no-install-recommends chromium';
  if (process.getuid() !== 0) {
    console.error(`The browser tests need Chromium: sudo ${command}`);
    process.exit(1);
  }
  const advice = 'apt could not install Chromium: check the network and apt’s sources';
  await step('Chromium installed (apt)', () => quietly(['sh', '-c', `apt-get update && ${command}`], advice));
}
