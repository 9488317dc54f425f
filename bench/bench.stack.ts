import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, startGateway } from '../infra/local/gateway.ts';
import { freePort, launch, until, type Running } from '../infra/local/launch.ts';
import { startOrthanc } from '../infra/local/orthanc.ts';
import { startPostgres } from '../infra/local/postgres.ts';
import { cacheFolder, providePrefix, type Prefix } from '../infra/local/prefix.ts';
import { keptSecrets } from '../infra/local/secrets.ts';

const account = { username: 'gateway', aet: 'BENCH' };

/** The three ways to the same archive. */
export interface BenchStack {
  orthanc: string;
  /** nginx that adds Orthanc's password and asks nobody anything, the recipe that is found everywhere. */
  recipe: string;
  gateway: string;
  basic: string;
  admin: { username: string; password: string };
  stop: () => Promise<void>;
}

/** Starts PostgreSQL, Orthanc, the gateway and nginx in a folder that `stop` removes. */
export async function startBenchStack(log: (line: string) => void): Promise<BenchStack> {
  const data = await mkdtemp(join(tmpdir(), 'radgate-bench-'));
  const running: Running[] = [];
  const stop = async () => {
    for (const one of running.reverse()) await one.stop();
    await rm(data, { recursive: true, force: true });
  };
  try {
    await mkdir(join(data, 'logs'));
    const prefix = await providePrefix(cacheFolder(), log);
    const secrets = await keptSecrets(data);
    const ports = await freePorts();
    const postgres = await startPostgres({ dir: join(data, 'postgres'), port: ports.postgres });
    running.push(postgres);
    await migrate(postgres);
    const addresses = { httpPort: ports.orthanc, dicomPort: ports.dicom, password: secrets.orthancPassword };
    const orthanc = await startOrthanc({ ...account, ...addresses, prefix, dir: join(data, 'orthanc') });
    running.push(orthanc);
    const archive = { url: orthanc.url, username: account.username };
    running.push(
      await startGateway({ data, ports, postgres, orthanc: archive, admin: 'admin', secrets, hapi: false }),
    );
    const basic = Buffer.from(`${account.username}:${secrets.orthancPassword}`).toString('base64');
    running.push(await startRecipe(prefix, data, ports.web, orthanc.url, basic));
    return {
      orthanc: orthanc.url,
      recipe: `http://127.0.0.1:${ports.web}`,
      gateway: `http://127.0.0.1:${ports.gateway}`,
      basic: `Basic ${basic}`,
      admin: { username: 'admin', password: secrets.adminPassword },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freePorts() {
  const taken = new Set<number>();
  const next = async () => {
    const port = await freePort(0, taken);
    taken.add(port);
    return port;
  };
  return {
    web: await next(),
    gateway: await next(),
    orthanc: await next(),
    dicom: await next(),
    postgres: await next(),
    hapi: await next(),
  };
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
