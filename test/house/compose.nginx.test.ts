import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { writeSettings } from '../../infra/compose/init.ts';
import { cacheFolder, providePrefix } from '../../infra/local/prefix.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const NGINX = 101;
const Web = z.object({
  services: z.object({ web: z.object({ environment: z.record(z.string(), z.string()) }) }),
});

// nginx of Debian 13 does not know the parameter `resolve`. test/long/compose.test.ts starts nginx with it.
const withoutResolve = (value: string) => value.replace(/ resolve$/, '');

it('nginx accepts the templates with the environment of docker-compose.yml, as the user of its container', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-web-'));
  await chmod(folder, 0o755);
  await writeSettings(root, {
    folder,
    url: 'https://localhost',
    tlsDir: 'self-signed',
    admin: 'admin',
    secretFiles: false,
  });
  const text = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  const { environment } = Web.parse(parse(text, { merge: true })).services.web;
  const values: Record<string, string> = {
    ...environment,
    GATEWAY: withoutResolve(environment['GATEWAY'] ?? '').replace('gateway', '127.0.0.1'),
    TLS_CERTIFICATE: join(folder, 'tls/tls.crt'),
    TLS_KEY: join(folder, 'tls/tls.key'),
    PUBLIC_URL: 'https://localhost',
    ACCESS_LOG: join(folder, 'run/access.log'),
  };
  await mkdir(join(folder, 'run'));
  if (process.getuid?.() === 0) await chown(join(folder, 'run'), NGINX, NGINX);
  const names = ['radgate', 'redirect'];
  for (const name of names) {
    const template = await readFile(join(root, `infra/nginx/${name}.conf.template`), 'utf8');
    const filled = template.replaceAll(
      /\$\{([A-Z_]+)\}/g,
      (_, key: string) => values[key] ?? `<unset ${key}>`,
    );
    expect(filled).not.toContain('<unset ');
    await writeFile(join(folder, `${name}.conf`), filled, { mode: 0o644 });
  }
  const prefix = await providePrefix(cacheFolder(), () => undefined);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, 'run', kind)};`,
  );
  const includes = names.map((name) => `include ${join(folder, `${name}.conf`)};`);
  const main = `pid ${join(folder, 'run/nginx.pid')}; error_log stderr; events {} http { ${[...paths, ...includes].join(' ')} }`;
  await writeFile(join(folder, 'nginx.conf'), main);
  const nginx = prefix.command('usr/sbin/nginx', '-t', '-e', 'stderr', '-c', join(folder, 'nginx.conf'));
  // Reading is allowed everywhere, since the cache of the prefix may be closed to other users. Writing is not.
  const identity = ['--reuid', `${NGINX}`, '--regid', `${NGINX}`, '--clear-groups'];
  const capabilities = ['--inh-caps', '-all,+dac_read_search', '--ambient-caps', '+dac_read_search'];
  const [program = '', ...args] =
    process.getuid?.() === 0
      ? ['setpriv', ...identity, ...capabilities, '--securebits', '+no_setuid_fixup', '--', ...nginx]
      : nginx;
  const { stderr } = await execute(program, args);
  expect(stderr).toContain('test is successful');
  await rm(folder, { recursive: true });
});
