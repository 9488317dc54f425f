import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launch, until, type Running } from './launch.ts';
import type { Prefix } from './prefix.ts';

const execute = promisify(execFile);
const template = join(import.meta.dirname, '../nginx/radgate.conf.template');
const monthMs = 30 * 24 * 3600 * 1000;

export type NginxOptions = {
  prefix: Prefix;
  /** The folder for the configuration, the certificate and temporary files. */
  dir: string;
  /** The folder for the access and error logs. */
  logs: string;
  port: number;
  gatewayPort: number;
  /** The folder of the built portal. */
  portal: string;
  /** The folder of the built viewer, which is served under /viewer/. */
  viewer: string;
  /** The folder of the gateway's cache (CACHE_DIR). */
  cache: string;
};

/**
 * Starts nginx on 127.0.0.1 with TLS and HTTP/2. nginx serves the portal and the viewer as files and passes all other requests to the
 * gateway.
 */
export async function startNginx(options: NginxOptions): Promise<Running> {
  const { prefix, dir, logs, port } = options;
  const web = join(dir, 'web');
  const temporary = join(dir, 'temporary');
  for (const folder of [web, temporary]) await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(join(web, 'viewer'), { force: true });
  await symlink(options.viewer, join(web, 'viewer'));
  const tls = await certificate(prefix, dir);
  const site = await fill({
    WEB_LISTEN: `127.0.0.1:${port}`,
    TLS_CERTIFICATE: tls.certificate,
    TLS_KEY: tls.key,
    GATEWAY: `127.0.0.1:${options.gatewayPort}`,
    RESOLVER: '127.0.0.1',
    PORTAL_ROOT: options.portal,
    VIEWER_ROOT: web,
    CACHE_ROOT: `${options.cache}/`,
    ACCESS_LOG: join(logs, 'nginx.access.log'),
  });
  const file = join(dir, 'nginx.conf');
  await writeFile(file, main(prefix, dir, temporary, site), { mode: 0o600 });
  const errors = join(logs, 'nginx.log');
  const running = await launch({
    command: prefix.command('usr/sbin/nginx', '-e', errors, '-c', file, '-p', dir),
    log: errors,
  });
  await until('nginx', running, () => listens(port), 10);
  return running;
}

async function fill(values: Record<string, string>): Promise<string> {
  const text = await readFile(template, 'utf8');
  return text.replaceAll(/\$\{([A-Z_]+)\}/g, (placeholder, name: string) => {
    const value = values[name];
    return value === undefined ? placeholder : quoted(value);
  });
}

/** Adds quotes to a path that contains white space. */
const quoted = (value: string) => (/\s/.test(value) ? `"${value}"` : value);

function main(prefix: Prefix, dir: string, temporary: string, site: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
worker_processes 2;
pid ${quoted(join(dir, 'nginx.pid'))};
error_log stderr crit;
events { worker_connections 4096; }
http {
include ${quoted(join(prefix.folder, 'etc/nginx/mime.types'))};
types { text/javascript mjs; }
default_type application/octet-stream;
${kinds.map((kind) => `${kind}_temp_path ${quoted(join(temporary, kind))};`).join('\n')}
${site}
}
`;
}

/** Returns the self-signed certificate for localhost. Creates it if it is missing or expires within a month. */
async function certificate(prefix: Prefix, dir: string): Promise<{ certificate: string; key: string }> {
  const files = { certificate: join(dir, 'localhost.crt'), key: join(dir, 'localhost.key') };
  const made = await readFile(files.certificate).catch(() => undefined);
  if (made && Date.parse(new X509Certificate(made).validTo) > Date.now() + monthMs) return files;
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', files.key];
  const making = ['req', '-x509', '-days', '397', '-out', files.certificate, ...key, ...subject];
  const [program = '', ...args] = prefix.command('usr/bin/openssl', ...making);
  await execute(program, args, { env: { OPENSSL_CONF: join(prefix.folder, 'etc/ssl/openssl.cnf') } });
  return files;
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    const answer = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
