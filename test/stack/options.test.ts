import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseOptions } from '../../infra/local/options.ts';
import { keptSecrets } from '../../infra/local/secrets.ts';

it('reads the options of npm start', () => {
  expect(parseOptions([], '/project')).toEqual({
    data: '/project/.local',
    demo: true,
    hapi: true,
    ports: {},
  });
  expect(
    parseOptions(['--no-demo', '--no-hapi', '--data', '/there', '--web-port', '9443'], '/project'),
  ).toEqual({
    data: '/there',
    demo: false,
    hapi: false,
    ports: { web: 9443 },
  });
});

it.each([['--web-port', 'many'], ['--web-port', '70000'], ['--unheard-of'], ['stray']])(
  'refuses %s %s',
  (...args) => {
    expect(() => parseOptions(args, '/project')).toThrow();
  },
);

it('makes secrets once, for their owner only', async () => {
  const data = await mkdtemp(join(tmpdir(), 'radgate-secrets-'));
  try {
    const made = await keptSecrets(data);
    expect(Buffer.from(made.masterKey, 'base64')).toHaveLength(32);
    expect(await keptSecrets(data)).toEqual(made);
    // Earlier versions created no metrics token. If the token is missing, it is added and the other secrets do not change.
    const { metricsToken, ...earlier } = made;
    await writeFile(join(data, 'secrets.json'), JSON.stringify(earlier));
    const completed = await keptSecrets(data);
    expect(completed).toMatchObject(earlier);
    expect(completed.metricsToken).not.toBe(metricsToken);
    expect(await keptSecrets(data)).toEqual(completed);
    expect((await stat(join(data, 'secrets.json'))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(data, { recursive: true });
  }
});
