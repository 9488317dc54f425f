import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseArguments } from './arguments.ts';
import { keptSecrets } from './secrets.ts';
import { saying } from './steps.ts';

const command = join(import.meta.dirname, '../../dist/authn/keys/rotate.command.js');
const StackFile = z.object({ database: z.object({ url: z.string() }) });

/** Returns the database URL and the master key of the environment. If the environment sets neither, returns those of the local stack. */
async function settingsOf(data: string): Promise<Record<string, string | undefined>> {
  const { DATABASE_URL, MASTER_KEY } = process.env;
  if (DATABASE_URL || MASTER_KEY) return { DATABASE_URL, MASTER_KEY };
  const path = join(data, 'stack.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} is missing: start the stack (npm start), or set DATABASE_URL and MASTER_KEY`);
  });
  const { masterKey } = await keptSecrets(data);
  return { DATABASE_URL: StackFile.parse(JSON.parse(text)).database.url, MASTER_KEY: masterKey };
}

/**
 * `npm run keys:rotate [-- --data DIR]`: rotates the signing keys of a deployment. DATABASE_URL and MASTER_KEY select the deployment. If
 * neither is set, the command uses the local stack.
 */
async function main(): Promise<void> {
  const data = { type: 'string', default: '.local' } as const;
  const { values } = parseArguments({ options: { data, help: { type: 'boolean', default: false } } });
  const { help } = values;
  const env = { ...process.env, ...(!help && (await settingsOf(values.data))) };
  const args = help ? [command, '--help'] : [command];
  const [status] = await once(spawn(process.execPath, args, { env, stdio: 'inherit' }), 'exit');
  process.exitCode = status === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(`No key was created. ${saying(error)}`);
  process.exitCode = 2;
}
