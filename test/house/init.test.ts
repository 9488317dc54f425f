import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv, promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnv } from '../../src/config/env.js';

const execute = promisify(execFile);
const script = join(import.meta.dirname, '../../infra/compose/init.mjs');
const ANSWERS = ['--url', 'https://images.example.org:8443/', '--tls-dir', 'self-signed', '--admin', 'ana'];

describe('npm run init', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'radgate-init-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const init = (...args: string[]) => execute(process.execPath, [script, '--folder', folder, ...args]);
  const written = async () => parseEnv(await readFile(join(folder, '.env'), 'utf8'));

  it('writes settings that the gateway accepts, with new secrets, readable by the owner alone', async () => {
    const { stdout } = await init(...ANSWERS);
    expect(stdout).toContain('docker compose up -d --build --wait');
    const first = await written();
    const others = {
      DATABASE_URL: `postgres://radgate_app:${first['APP_PASSWORD']}@postgres/radgate`,
      ORTHANC_URL: 'http://orthanc:8042',
    };
    expect(readEnv({ ...first, ...others })).toMatchObject({
      PUBLIC_URL: 'https://images.example.org:8443',
      ADMIN_USERNAME: 'ana',
    });
    expect(first['WEB_PORT']).toBe('8443');
    expect((await stat(join(folder, '.env'))).mode & 0o777).toBe(0o600);
    await rm(join(folder, '.env'));
    await init(...ANSWERS);
    const second = await written();
    for (const name of ['MASTER_KEY', 'ORTHANC_PASSWORD', 'POSTGRES_PASSWORD', 'APP_PASSWORD'])
      expect(second[name], name).not.toBe(first[name]);
  });

  it('writes the secrets into files', async () => {
    await init(...ANSWERS, '--secret-files');
    const settings = await written();
    expect(settings).toMatchObject({ MASTER_KEY: '', ORTHANC_PASSWORD: '', APP_PASSWORD: '' });
    const names = await readdir(join(folder, 'secrets'));
    expect(names).toContain('master_key');
    expect((await stat(join(folder, 'secrets'))).mode & 0o777).toBe(0o700);
    const settingsText = await readFile(join(folder, '.env'), 'utf8');
    for (const name of names)
      expect(settingsText).not.toContain(await readFile(join(folder, 'secrets', name), 'utf8'));
  });

  it.each([
    [['--url', 'http://images.example.org'], 'must begin with https://'],
    [['--tls-dir', 'none'], 'does not exist'],
    [['--admin', ' '], 'is empty'],
    [['--colour', 'red'], 'Unknown option'],
  ])('refuses %j and changes nothing', async (wrong, reason) => {
    await expect(init(...ANSWERS, ...wrong)).rejects.toThrow(reason);
    expect(await readdir(folder)).not.toContain('.env');
  });

  it('asks three questions; an empty answer means the preset', async () => {
    const child = spawn(process.execPath, [script, '--folder', folder]);
    child.stdin.end('https://radgate.example.org\n\nmaria\n');
    const asked = await text(child.stdout);
    expect([...asked.matchAll(/\[([^\]]+)\]: /g)].map(([, preset]) => preset)).toEqual([
      'https://localhost',
      'self-signed',
      'admin',
    ]);
    expect(await written()).toMatchObject({
      PUBLIC_URL: 'https://radgate.example.org',
      ADMIN_USERNAME: 'maria',
      TLS_DIR: join(folder, 'tls'),
    });
  });

  it('says in a sentence that Node.js is too old', async () => {
    const older = `Object.defineProperty(process.versions, 'node', { value: '20.19.0' })`;
    const args = [`--import=data:text/javascript,${encodeURIComponent(older)}`, script, '--folder', folder];
    await expect(execute(process.execPath, args)).rejects.toThrow(
      'Node.js 22.18 or newer is needed, this is 20.19.0.',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('never overwrites .env', async () => {
    await init(...ANSWERS);
    const before = await readFile(join(folder, '.env'), 'utf8');
    await expect(init(...ANSWERS)).rejects.toThrow('exists');
    expect(await readFile(join(folder, '.env'), 'utf8')).toBe(before);
  });
});
