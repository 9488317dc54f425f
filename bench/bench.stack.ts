import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cacheOf, startGateway } from '../infra/local/gateway.ts';
import { launch, until, type Running } from '../infra/local/launch.ts';
import { startNginx } from '../infra/local/nginx.ts';
import { reserveAnyPort } from '../infra/local/port.ts';
import { startOrthanc } from '../infra/local/orthanc.ts';
import { cacheFolder, providePrefix, type Prefix } from '../infra/local/prefix.ts';
import { type Stoppable, startOnBase } from './bench.base.ts';

const account = { username: 'gateway', aet: 'BENCH' };

/** The three measured paths to the same archive. */
export interface BenchStack extends Stoppable {
  orthanc: string;
  /**
   * The URL of an nginx with a common configuration for Orthanc: nginx adds Orthanc's password to each request and checks no permissions.
   */
  recipe: string;
  gateway: string;
  /** The URL of our nginx in front of the gateway. It uses TLS. */
  nginx: string;
  /** The process ids of the gateway, of Orthanc, and of the process of PostgreSQL that accepts the connections. */
  gatewayPid: number;
  orthancPid: number;
  postgresPid: number;
  /** The URL of the database, for statistics. */
  database: string;
  basic: string;
  admin: { username: string; password: string };
}

/** Starts PostgreSQL, Orthanc, the gateway and nginx in a folder that `stop` removes. */
export function startBenchStack(log: (line: string) => void): Promise<BenchStack> {
  return startOnBase(async ({ data, ports, secrets, postgres, keep }) => {
    const prefix = await providePrefix(cacheFolder(), log);
    const addresses = { httpPort: ports.orthanc, dicomPort: ports.dicom, password: secrets.orthancPassword };
    const orthanc = keep(
      await startOrthanc({ ...account, ...addresses, prefix, dir: join(data, 'orthanc') }),
    );
    const archive = { url: orthanc.url, username: account.username };
    const gateway = keep(
      await startGateway({ data, ports, postgres, orthanc: archive, admin: 'admin', secrets, hapi: false }),
    );
    const recipePort = await reserveAnyPort();
    const basic = Buffer.from(`${account.username}:${secrets.orthancPassword}`).toString('base64');
    keep(await startRecipe(prefix, data, recipePort, orthanc.url, basic));
    const pages = join(data, 'pages');
    await mkdir(pages);
    keep(
      await startNginx({
        prefix,
        dir: join(data, 'nginx'),
        logs: join(data, 'logs'),
        port: ports.web,
        gatewayPort: ports.gateway,
        portal: pages,
        viewer: pages,
        cache: cacheOf(data),
      }),
    );
    return {
      orthanc: orthanc.url,
      recipe: `http://127.0.0.1:${recipePort}`,
      nginx: `https://localhost:${ports.web}`,
      gatewayPid: gateway.pid,
      orthancPid: orthanc.pid,
      postgresPid: postgres.pid,
      database: postgres.ownerUrl,
      gateway: `http://127.0.0.1:${ports.gateway}`,
      basic: `Basic ${basic}`,
      admin: { username: 'admin', password: secrets.adminPassword },
    };
  });
}

async function startRecipe(
  prefix: Prefix,
  data: string,
  port: number,
  orthanc: string,
  basic: string,
): Promise<Running> {
  const dir = join(data, 'recipe');
  await mkdir(dir);
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const file = join(dir, 'nginx.conf');
  await writeFile(
    file,
    `daemon off;
worker_processes 2;
pid ${dir}/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
${kinds.map((kind) => `${kind}_temp_path ${join(dir, kind)};`).join('\n')}
access_log off;
upstream orthanc { server ${new URL(orthanc).host}; keepalive 32; keepalive_timeout 900ms; }
server {
  listen 127.0.0.1:${port};
  client_max_body_size 0;
  location / {
    proxy_pass http://orthanc;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Authorization "Basic ${basic}";
    proxy_request_buffering off;
    proxy_buffers 8 64k;
    proxy_buffer_size 64k;
  }
}
}
`,
    { mode: 0o600 },
  );
  const log = join(data, 'logs/recipe.log');
  const running = await launch({
    command: prefix.command('usr/sbin/nginx', '-e', log, '-c', file, '-p', dir),
    log,
  });
  await until('nginx', running, () => listens(port), 10);
  return running;
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).then((answer) => {
    socket.destroy();
    return answer === true;
  });
}
