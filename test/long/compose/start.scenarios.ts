import { chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { timed, type ComposeWorld } from './compose.world.ts';

const linesOfHealthChecks = async (world: ComposeWorld) => {
  const logs = await world.compose('logs', '--no-log-prefix', 'web', 'gateway', 'orthanc', 'postgres');
  return logs.split('\n').filter((line) => /health\/live|8042|127\.0\.0\.1/.test(line)).length;
};
const RUNNING = ['gateway', 'hapi', 'orthanc', 'postgres', 'web'];

/** The first start, and starts with faulty settings. */
export function registerStart(world: () => ComposeWorld): void {
  it('says what to do when .env is missing', async () => {
    const file = join(world().project.folder, '.env');
    await rename(file, `${file}.away`);
    await expect(world().compose('up', '-d')).rejects.toThrow('npm run init');
    await rename(`${file}.away`, file);
  });

  it('starts with one command from a clone that only its owner can read', async () => {
    await timed('images built', () => world().compose('build'));
    await timed('up --wait, empty volumes', () =>
      world().documented('install.md', 'docker compose up -d --build --wait'),
    );
    const services = await world().project.services();
    for (const name of RUNNING)
      expect(services.get(name), name).toMatchObject({ State: 'running', Health: 'healthy' });
    expect(services.get('migrate')).toMatchObject({ State: 'exited', ExitCode: 0 });
    const ready = await world().ask('/health/ready');
    expect({ status: ready.status, text: ready.body.toString() }).toMatchObject({ status: 200 });
  });

  it('calls PostgreSQL healthy only with all its roles', async () => {
    expect((await world().inside('postgres', 'radgate-ready')).status).toBe(0);
    await world().query('alter role hapi rename to hapi_renamed');
    const { status, text } = await world().inside('postgres', 'radgate-ready');
    expect({ status, text }).toMatchObject({ status: 1, text: expect.stringContaining('roles of Radgate') });
    await world().query('alter role hapi_renamed rename to hapi');
  });

  it('gives PostgreSQL more shared memory than the 64 MB of Docker', async () => {
    const { text } = await world().inside('postgres', 'df', '--output=size', '-BM', '/dev/shm');
    expect(text).toContain('256M');
  });

  it('leaves no volume without a name', async () => {
    const names = (await world().run('docker', 'volume', 'ls', '--format', '{{.Name}}')).trim().split('\n');
    expect(names.filter((name) => !name.startsWith('radgate_'))).toEqual([]);
  });

  it('redirects HTTP to HTTPS and serves the challenges of an ACME client', async () => {
    const base = `http://localhost:${world().ports.http}`;
    const answer = await world().ask('/viewer/?x=1', { base });
    expect(answer).toMatchObject({ status: 301, headers: { location: `${world().web}/viewer/?x=1` } });
    const folder = join(world().directory, 'acme/.well-known/acme-challenge');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), 'proof');
    await world().set({ ACME_DIR: join(world().directory, 'acme') });
    await world().compose('up', '-d', '--wait');
    const challenge = await world().ask('/.well-known/acme-challenge/token', { base });
    expect({ status: challenge.status, text: challenge.body.toString() }).toEqual({
      status: 200,
      text: 'proof',
    });
    expect((await world().ask('/.well-known/acme-challenge/none', { base })).status).toBe(404);
  });

  it('says which user must be able to read the key, when nginx cannot', async () => {
    const key = join(world().project.folder, 'tls/tls.key');
    await chown(key, 0, 0);
    await chmod(key, 0o600);
    await expect(
      world().compose('up', '-d', '--wait', '--force-recreate', '--no-deps', 'web'),
    ).rejects.toThrow();
    const logs = await world().compose('logs', '--no-log-prefix', 'web');
    expect(logs).toContain('TLS_DIR/tls.key cannot be read by the user of nginx (uid 101)');
    await world().documented('install.md', 'chmod 755 tls');
    await world().compose('up', '-d', '--wait');
  });

  it('writes no log lines for its health checks', async () => {
    const before = await linesOfHealthChecks(world());
    await sleep(35_000);
    expect(await linesOfHealthChecks(world())).toBe(before);
  });

  it('rotates the log of every container', async () => {
    for (const { ID } of (await world().project.services()).values()) {
      const config = await world().run('docker', 'inspect', '-f', '{{json .HostConfig.LogConfig}}', ID);
      expect(JSON.parse(config)).toEqual({
        Type: 'json-file',
        Config: { 'max-size': '20m', 'max-file': '5' },
      });
    }
    expect(await readFile(join(world().project.folder, '.env'), 'utf8')).toContain('MASTER_KEY=');
  });
}
