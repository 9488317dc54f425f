import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { MixedLoad } from '../mixed.load.ts';
import { tell } from '../resident.memory.ts';
import { timed, type ComposeWorld } from './compose.world.ts';
import { expectNothingLost } from './loss.scenarios.ts';

const RESOURCES =
  "select string_agg(res_type || ' ' || n, ', ' order by res_type) from (select res_type, count(*) as n from hfj_resource where res_deleted_at is null group by 1) as counts";
const ACCOUNTS = 'select string_agg(name, chr(44) order by name) from accounts';

const restore = (world: ComposeWorld, folder: string, name: string) =>
  world.documented('backup.md', 'infra/compose/restore.sh', {
    '/var/backups/radgate/20261130T020000Z': join(folder, name),
  });

/** A backup of the running stack under load, and its restore into empty volumes by the commands of docs/backup.md. */
export function registerBackup(world: () => ComposeWorld): void {
  it('leaves Orthanc running and no helper container when it is killed during the pause', async () => {
    const folder = join(world().directory, 'killed');
    const [cwd, env] = [world().project.folder, world().engine.env];
    const backup = spawn('bash', ['infra/compose/backup.sh', folder], { cwd, env, stdio: 'ignore' });
    const ended = once(backup, 'exit');
    const files = async () => (await readdir(folder, { recursive: true }).catch(() => [])).join(' ');
    // The second step begins when Orthanc is paused.
    await expect.poll(files, { timeout: 120_000, interval: 10 }).toContain('archive.2.tar');
    backup.kill('SIGKILL');
    await ended;
    const states = () => world().run('docker', 'ps', '--all', '--format', '{{.Command}} {{.Status}}');
    await expect.poll(states, { timeout: 20_000 }).not.toMatch(/Paused|sleep/);
    expect((await world().ask('/health/ready')).status).toBe(200);
  });

  it('restores everything that was acknowledged before the backup began', async () => {
    const admin = await world().administrator();
    const folder = join(world().directory, 'backups');
    const resources = await world().query(RESOURCES, 'hapi');
    const accounts = await world().query(ACCOUNTS);
    const load = await world().load(admin);
    let before: MixedLoad['acknowledged'];
    try {
      await load.recovered(60);
      await sleep(5_000);
      before = new Map(load.acknowledged);
      const said = await timed('backup under load', () =>
        world().documented('backup.md', 'infra/compose/backup.sh', { '/var/backups/radgate': folder }),
      );
      tell(said.trim());
      await load.recovered(60);
      await load.stop();
      expect(load.wrong).toEqual([]);
    } finally {
      await load.close();
    }
    const [name = ''] = await readdir(folder);
    expect((await stat(join(folder, name))).mode & 0o077).toBe(0);

    await expect(restore(world(), folder, name)).rejects.toThrow('is running');
    await world().documented('backup.md', 'docker compose down --volumes');
    await world().moveToAnotherFolder();
    await timed('restore', () => restore(world(), folder, name));

    expect(await world().query(RESOURCES, 'hapi')).toBe(resources);
    expect(await world().query(ACCOUNTS)).toBe(accounts);
    const again = await world().load(admin);
    await again.stop();
    again.acknowledged.clear();
    for (const [uid, sent] of before) again.acknowledged.set(uid, sent);
    await expectNothingLost(again);
    await again.close();
    const audit = await world().documented('audit.md', 'docker compose exec', { exec: 'exec -T' });
    expect(audit).toContain('rows are as they were sealed');
    tell(`restored ${before.size} instances byte for byte; ${resources}; ${audit.trim()}`);
  });

  it('refuses to restore into a stack that holds data', async () => {
    const [name = ''] = await readdir(join(world().directory, 'backups'));
    await world().compose('stop');
    await expect(restore(world(), join(world().directory, 'backups'), name)).rejects.toThrow(
      'holds data already',
    );
  });
}
