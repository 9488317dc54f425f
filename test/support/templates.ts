import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { launch, type Running, until } from '../../infra/local/launch.ts';
import { gatewayFlags, thriftyMemory } from '../../infra/local/memory.settings.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import type { Postgres } from '../../infra/local/postgres.ts';
import { cheapHash } from './cheap.hash.ts';
import { writeCodeCache } from './code.cache.writer.ts';
import { BUNDLED, isCodeCached } from './gateway.bundle.ts';

const MIGRATE = join(import.meta.dirname, '../../dist/database/migrate.js');

/** Names of the template databases. Each test file gets a copy of a template. */
export interface Templates {
  /** A database that is migrated and empty. */
  readonly empty: string;
  /** A database after a gateway's first start, with the administrator, the signing key and the queues. */
  readonly started: string;
  /** The settings of the gateway that was started on the template. A gateway on a copy must have the same settings. */
  readonly masterKey: string;
  readonly adminPassword: string;
}

/** Creates both templates. For the second template, a gateway is started once. `dir` is its data folder. */
export async function makeTemplates(server: Postgres, dir: string): Promise<Templates> {
  const templates = {
    empty: 'radgate_template',
    started: 'radgate_started',
    masterKey: randomBytes(32).toString('base64'),
    adminPassword: randomBytes(16).toString('hex'),
  };
  await administer(
    server.adminUrl,
    (sql) => sql`create database ${sql(templates.empty)} owner radgate_owner`,
  );
  await promisify(execFile)(process.execPath, [MIGRATE], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: named(server.appUrl, templates.empty),
      DATABASE_OWNER_URL: named(server.ownerUrl, templates.empty),
    },
  });
  const once = async (name: string, use?: (gateway: Running, url: string) => Promise<void>) => {
    await copyDatabase(server.adminUrl, templates.empty, name);
    await startOnce(named(server.appUrl, name), templates, dir, use);
  };
  const { adminPassword } = templates;
  // The gateway that writes the code cache has its own database, because its requests must not be in the template.
  if (!isCodeCached())
    await once('radgate_code_cache', (gateway, url) => writeCodeCache(gateway, url, adminPassword));
  await once(templates.started);
  const adminHash = await cheapHash(adminPassword);
  await administer(
    named(server.ownerUrl, templates.started),
    (sql) => sql`update accounts set password_hash = ${adminHash} where name = 'admin'`,
  );
  return templates;
}

/** The URL of another database on the same server, for the same role. */
export const named = (url: string, name: string) => Object.assign(new URL(url), { pathname: name }).href;

/** Copies a database. No client may be connected to it. */
export async function copyDatabase(adminUrl: string, template: string, name: string): Promise<void> {
  await administer(
    adminUrl,
    (sql) => sql`create database ${sql(name)} template ${sql(template)} owner radgate_owner`,
  );
}

/** Runs one statement as PostgreSQL's superuser. */
export async function administer(
  url: string,
  work: (sql: postgres.Sql) => PromiseLike<unknown>,
): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

/** Starts a gateway on a new database, calls `use`, and stops the gateway when it answers. The gateway can answer without an archive. */
async function startOnce(
  url: string,
  { masterKey, adminPassword }: Pick<Templates, 'masterKey' | 'adminPassword'>,
  dir: string,
  use?: (gateway: Running, url: string) => Promise<void>,
): Promise<void> {
  const port = await reserveAnyPort();
  const gateway = await launch({
    command: [process.execPath, ...gatewayFlags, ...BUNDLED],
    cwd: dir,
    log: join(dir, 'first.gateway.log'),
    env: {
      ...thriftyMemory,
      HOST: '127.0.0.1',
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      DATA_DIR: dir,
      DATABASE_URL: url,
      ORTHANC_URL: 'http://127.0.0.1:1',
      ORTHANC_USERNAME: 'nobody',
      ORTHANC_PASSWORD: 'no password',
      DEFAULT_ISSUER: 'TEST',
      MASTER_KEY: masterKey,
      ADMIN_PASSWORD: adminPassword,
    },
  });
  try {
    await until(
      'the first gateway',
      gateway,
      async () => (await fetch(`http://127.0.0.1:${port}/health/live`)).ok,
    );
    await use?.(gateway, `http://127.0.0.1:${port}`);
  } finally {
    await gateway.stop();
  }
}
