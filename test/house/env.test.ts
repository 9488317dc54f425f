import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EnvironmentFaulty, EnvSchema, readEnv } from '../../src/config/env.js';
import { SECRETS } from '../../src/config/secret.files.js';

const root = join(import.meta.dirname, '../..');
const KEY = Buffer.alloc(32, 7).toString('base64');
const COMPLETE = {
  PUBLIC_URL: 'https://images.example.org/',
  DATABASE_URL: 'postgres://app:app@127.0.0.1/radgate',
  DATABASE_OWNER_URL: 'postgres://owner:owner@127.0.0.1/radgate',
  ORTHANC_URL: 'http://127.0.0.1:8042',
  ORTHANC_USERNAME: 'gateway',
  ORTHANC_PASSWORD: 'long-and-random',
  MASTER_KEY: KEY,
};

describe('the environment', () => {
  it('has the same keys in .env.example and in the code', async () => {
    const example = await readFile(join(root, '.env.example'), 'utf8');
    const keys = [...example.matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1]);
    expect(new Set(keys)).toEqual(new Set(Object.keys(EnvSchema.shape)));
  });

  it('is frozen, with defaults filled in and without a slash at the end of URLs', () => {
    const env = readEnv(COMPLETE);
    expect(env.PUBLIC_URL).toBe('https://images.example.org');
    expect(env.PORT).toBe(3000);
    expect(Object.isFrozen(env)).toBe(true);
  });

  it('reports all its faults at once, by name and without values', () => {
    const faulty = {
      ...COMPLETE,
      PORT: '99999',
      MASTER_KEY: 'c2hvcnQ=',
      PUBLIC_URL: undefined,
      LOG_LEVEL: 'loud',
    };
    const failed = (() => {
      try {
        return readEnv(faulty);
      } catch (error) {
        return error;
      }
    })();
    expect(failed).toBeInstanceOf(EnvironmentFaulty);
    const text = String(failed);
    for (const name of ['PORT', 'MASTER_KEY', 'PUBLIC_URL', 'LOG_LEVEL']) expect(text).toContain(name);
    for (const value of ['99999', 'c2hvcnQ=', 'loud']) expect(text).not.toContain(value);
  });

  it('refuses placeholder secrets in production', () => {
    expect(() => readEnv({ ...COMPLETE, ORTHANC_PASSWORD: 'changeme-please' })).toThrow(EnvironmentFaulty);
    expect(
      readEnv({ ...COMPLETE, NODE_ENV: 'development', ORTHANC_PASSWORD: 'changeme-please' }).NODE_ENV,
    ).toBe('development');
  });

  it.each(SECRETS)('reads %s from the file that %s_FILE names', async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'radgate-secret-'));
    const value = name === 'MASTER_KEY' ? KEY : `postgres://a:b@127.0.0.1/${name.toLowerCase()}`;
    await writeFile(join(folder, 'secret'), `${value}\n`);
    const { [name]: _, ...others }: Record<string, string> = COMPLETE;
    const file = { [`${name}_FILE`]: join(folder, 'secret') };
    expect(readEnv({ ...others, ...file })[name]).toBe(value);
    // An empty variable counts as unset, as docker compose passes it.
    expect(readEnv({ ...others, [name]: '', ...file })[name]).toBe(value);
    expect(() => readEnv({ ...others, [name]: value, ...file })).toThrow(
      `${name} and ${name}_FILE are both set`,
    );
    const missing = { [`${name}_FILE`]: join(folder, 'none') };
    expect(() => readEnv({ ...others, ...missing })).toThrow(`${name}_FILE: the file cannot be read`);
    await rm(folder, { recursive: true });
  });

  it('also refuses a placeholder in a secret file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'radgate-secret-'));
    await writeFile(join(folder, 'secret'), 'changeme-please');
    const { ORTHANC_PASSWORD: _, ...others } = COMPLETE;
    expect(() => readEnv({ ...others, ORTHANC_PASSWORD_FILE: join(folder, 'secret') })).toThrow(
      'placeholder',
    );
    await rm(folder, { recursive: true });
  });
});
