import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tell } from '../resident.memory.ts';
import { timed, type ComposeWorld } from './compose.world.ts';
import { expectNothingLost } from './loss.scenarios.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const IMAGE = 'radgate/gateway:0.1.0';
const MIGRATIONS = 'select count(*) from migrations';

/** An upgrade from the version before the newest migration, by `docker compose up -d --wait` with the new image. */
export function registerUpgrade(world: () => ComposeWorld): void {
  it('keeps everything that the previous version stored', async () => {
    await world().compose('down', '--volumes');
    await world().run('docker', 'tag', IMAGE, 'radgate/gateway:new');
    const commit = await timed('gateway of the previous version built', () => buildPrevious(world()));
    await world().compose('up', '-d', '--wait', '--no-build');
    const before = await world().query(MIGRATIONS);
    const admin = await world().administrator();
    const load = await world().load(admin);
    let after = '';
    try {
      await load.recovered(60);
      await load.stop();
      await world().run('docker', 'tag', 'radgate/gateway:new', IMAGE);
      await timed('upgrade', () => world().compose('up', '-d', '--wait', '--no-build'));
      after = await world().query(MIGRATIONS);
      expect(Number(after)).toBeGreaterThan(Number(before));
      await world().signIn(admin);
      await expectNothingLost(load);
    } finally {
      await load.close();
    }
    tell(
      `upgraded from the commit before ${commit}: migrations ${before} → ${after}, ${load.acknowledged.size} instances kept`,
    );
  });
}

/** Builds the image of the gateway from the commit before the one that added the newest migration. */
async function buildPrevious(world: ComposeWorld): Promise<string> {
  const newest = ['log', '-1', '--diff-filter=A', '--format=%H', '--', 'src/database/migrations/*.sql'];
  const { stdout: added } = await execute('git', newest, { cwd: root });
  if (added.trim() === '') throw new Error('This clone has no history: clone it without --depth.');
  const commit = `${added.trim()}^`;
  const tree = join(world.directory, 'previous');
  await mkdir(tree);
  await execute('sh', ['-c', `git archive ${commit} | tar -x -C ${tree}`], { cwd: root });
  const file = join(world.project.folder, 'infra/gateway/Dockerfile');
  const build = ['docker', 'buildx', 'build', '--load', '--target', 'gateway', '-f', file, '-t', IMAGE, tree];
  await world.run(...build);
  return commit.slice(0, 8);
}
