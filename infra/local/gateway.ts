import { execFile } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { answersOk, launch, neighbourUser, until, type Running } from './launch.ts';
import { gatewayFlags, thriftyMemory } from './memory.settings.ts';
import type { Ports } from './options.ts';
import type { Postgres } from './postgres.ts';
import type { Secrets } from './secrets.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');

export type GatewayOptions = {
  data: string;
  ports: Ports;
  postgres: Pick<Postgres, 'appUrl' | 'ownerUrl'>;
  orthanc: { url: string; username: string };
  admin: string;
  secrets: Secrets;
  /** Whether HAPI FHIR is part of the stack. */
  hapi: boolean;
};

/** Migrates the database to the newest schema. If the migration fails, throws an error with its output. */
export async function migrate(postgres: Pick<Postgres, 'appUrl' | 'ownerUrl'>): Promise<void> {
  const env = { DATABASE_URL: postgres.appUrl, DATABASE_OWNER_URL: postgres.ownerUrl };
  await execute(process.execPath, [join(root, 'dist/database/migrate.js')], { cwd: root, env });
}

/** The folder of the gateway's cache in the data folder of the stack. */
export const cacheOf = (data: string): string => join(data, 'cache');

/** Starts the built gateway on 127.0.0.1. Only the gateway connects to Orthanc and PostgreSQL. */
export async function startGateway(options: GatewayOptions): Promise<Running> {
  const { data, ports, postgres, orthanc, secrets } = options;
  const own = join(data, 'gateway');
  await mkdir(own, { recursive: true, mode: 0o700 });
  const cache = cacheOf(data);
  await mkdir(cache, { recursive: true, mode: 0o750 });
  const user = await neighbourUser();
  if (user) for (const folder of [own, cache]) await chown(folder, user.uid, user.gid);
  const running = await launch({
    command: [process.execPath, ...gatewayFlags, join(root, 'dist/main.js')],
    cwd: root,
    log: join(data, 'logs/gateway.log'),
    env: {
      ...thriftyMemory,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: `${ports.gateway}`,
      PUBLIC_URL: `https://localhost:${ports.web}`,
      DATABASE_URL: postgres.appUrl,
      ORTHANC_URL: orthanc.url,
      ORTHANC_USERNAME: orthanc.username,
      ORTHANC_PASSWORD: secrets.orthancPassword,
      DEFAULT_ISSUER: 'RADGATE',
      ...(options.hapi && { FHIR_BASE_URL: `http://127.0.0.1:${ports.hapi}/fhir` }),
      MASTER_KEY: secrets.masterKey,
      ADMIN_USERNAME: options.admin,
      ADMIN_PASSWORD: secrets.adminPassword,
      METRICS_TOKEN: secrets.metricsToken,
      DATA_DIR: own,
      CACHE_DIR: cache,
      CACHE_AHEAD_PERCENT: process.env['CACHE_AHEAD_PERCENT'] ?? '25',
      ACCEL_REDIRECT: '/cached',
      TRUSTED_PROXIES: '127.0.0.1',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
    },
  });
  const live = `http://127.0.0.1:${ports.gateway}/health/live`;
  await until('the gateway', running, () => answersOk(live));
  return running;
}
