import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent, setGlobalDispatcher } from 'undici';
import { expect, it } from 'vitest';
import { seedDemo } from '../../../infra/demo/seed.ts';
import { tell } from '../resident.memory.ts';
import { timed, type ComposeWorld } from './compose.world.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../../..');

/** The work of people and machines with the stack: the same suite as against `npm start`, and an import. */
export function registerUse(world: () => ComposeWorld): void {
  it('stores and shows the demo in OHIF: the suite of test/viewer passes', async () => {
    const admin = await world().administrator();
    setGlobalDispatcher(new Agent({ connect: { rejectUnauthorized: false }, allowH2: false }));
    const people = await timed('demo stored', () =>
      seedDemo({ gateway: world().web, admin, log: () => undefined }),
    );
    const facts = { web: world().web, gateway: world().web, admin, people };
    const said = await timed('suite of test/viewer', () => world().runViewerSuite(facts));
    tell(said.trim().split('\n').slice(-5).join('\n'));
  });

  it('imports a list into HAPI, once', async () => {
    const { username, password } = await world().administrator();
    const env = {
      ...process.env,
      RADGATE_URL: world().web,
      RADGATE_USERNAME: username,
      RADGATE_PASSWORD: password,
      NODE_EXTRA_CA_CERTS: world().authority,
    };
    const command = ['infra/local/import.ts', 'docs/samples/patients.csv'];
    const run = () =>
      execute(process.execPath, command, { cwd: root, env }).then(
        ({ stdout }) => stdout,
        (error: unknown) =>
          error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error),
      );
    expect(await run()).toContain('completed_with_errors: 4 rows, 2 created, 1 rejected, 1 waiting');
    // The row with an unknown word also has its Patient.
    const count = "select count(*) from hfj_resource where res_type = 'Patient' and res_deleted_at is null";
    expect(await world().query(count, 'hapi')).toBe('3');
    expect(await run()).toContain('this file was imported before');
    expect(await world().query(count, 'hapi')).toBe('3');
  });
}
