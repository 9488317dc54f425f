import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { GatewayClient } from '../demo/gateway.client.ts';
import { followImport, type ImportState, uploadList } from '../demo/records.client.ts';
import { saying } from './steps.ts';

const HELP = `npm run import -- FILE [--mapping NAME[@VERSION]] [--rehearse] [--as-of YYYY-MM-DD] [--encoding NAME] [--force]

Sends a CSV list to the gateway and follows it to its end. Status 0: every row is written; 1: some are refused or wait; 2: nothing was done.
The gateway and the account are those of the local stack (--data DIR, default .local), or of the environment:
RADGATE_URL with RADGATE_KEY (an API key), or with RADGATE_USERNAME and RADGATE_PASSWORD.
`;

const StackFile = z.object({
  gateway: z.string(),
  admin: z.object({ username: z.string(), password: z.string() }),
});
const Login = z.object({ access_token: z.string() });
const BAR = 30;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mapping: { type: 'string' },
      rehearse: { type: 'boolean', default: false },
      'as-of': { type: 'string' },
      encoding: { type: 'string' },
      force: { type: 'boolean', default: false },
      data: { type: 'string', default: '.local' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (values.help || file === undefined || more.length > 0) {
    process.stderr.write(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const query = {
    ...(values.mapping !== undefined && { mapping: values.mapping }),
    ...(values.rehearse && { mode: 'rehearse' }),
    ...(values['as-of'] !== undefined && { as_of: values['as-of'] }),
    ...(values.encoding !== undefined && { encoding: values.encoding }),
    ...(values.force && { force: 'true' }),
  };
  const sender = await findSender(values.data);
  const { id, isNew } = await uploadList(sender, file, query);
  console.log(isNew ? `import ${id}` : `import ${id} (this file was sent before; --force sends it again)`);
  const end = await followImport(new GatewayClient(sender.gateway, sender.token), id, draw);
  if (process.stdout.isTTY) process.stdout.write('\n');
  console.log(summaryOf(end));
  process.exitCode = end.status === 'failed' ? 2 : end.rejected + end.waiting > 0 ? 1 : 0;
}

async function findSender(data: string): Promise<{ gateway: string; token: string }> {
  const { RADGATE_URL, RADGATE_KEY, RADGATE_USERNAME, RADGATE_PASSWORD } = process.env;
  if (RADGATE_URL !== undefined && RADGATE_KEY !== undefined)
    return { gateway: RADGATE_URL.replace(/\/+$/, ''), token: RADGATE_KEY };
  const named = RADGATE_URL !== undefined && RADGATE_USERNAME !== undefined && RADGATE_PASSWORD !== undefined;
  const stack = named
    ? {
        gateway: RADGATE_URL.replace(/\/+$/, ''),
        admin: { username: RADGATE_USERNAME, password: RADGATE_PASSWORD },
      }
    : await openStack(data);
  const login = await new GatewayClient(stack.gateway).json('/api/auth/login', Login, {
    method: 'POST',
    body: stack.admin,
  });
  if (login.body === undefined) throw new Error('the gateway does not let this account in');
  return { gateway: stack.gateway, token: login.body.access_token };
}

async function openStack(data: string): Promise<z.infer<typeof StackFile>> {
  const path = join(data, 'stack.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} is missing: start the stack (npm start), or set RADGATE_URL and RADGATE_KEY`);
  });
  return StackFile.parse(JSON.parse(text));
}

function draw({ status, percent, rows_done, rows_total }: ImportState): void {
  if (!process.stdout.isTTY) return;
  const done = Math.round((BAR * percent) / 100);
  const bar = `${'█'.repeat(done)}${'░'.repeat(BAR - done)}`;
  process.stdout.write(`\r${bar} ${percent} %  ${rows_done}/${rows_total} rows  ${status}   `);
}

function summaryOf(end: ImportState): string {
  const counts = (['created', 'updated', 'unchanged', 'rejected', 'waiting', 'duplicate'] as const)
    .filter((name) => end[name] > 0)
    .map((name) => `${end[name]} ${name}`);
  const reasons = Object.entries(end.reasons).map(([code, count]) => `  ${count} × ${code}`);
  const failure = end.failure === null ? '' : ` (${end.failure})`;
  return [
    `${end.status}${failure}: ${end.rows_total} rows, ${counts.join(', ') || 'none done'}`,
    ...reasons,
  ].join('\n');
}

try {
  await main();
} catch (error) {
  console.error(`Not imported. ${saying(error)}`);
  process.exitCode = 2;
}
