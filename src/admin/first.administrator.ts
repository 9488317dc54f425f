import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { Passwords } from '../authn/sign-in/passwords.service.js';
import { RIGHTS } from '../authz/rights.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { accounts, grants, groups, memberships } from '../database/schema.access.js';

const ADVISORY_LOCK = 7_263_422;
const GROUP = 'Administrators';
const PASSWORD_FILE = 'admin-password';

/**
 * Creates the first administrator when the gateway starts and the database has no person. The administrator gets all rights with the scope
 * `all`.
 */
@Injectable()
export class FirstAdministrator implements OnApplicationBootstrap {
  private readonly logger = new Logger('admin');

  constructor(
    @Inject(ENV)
    private readonly env: Pick<Env, 'ADMIN_USERNAME' | 'ADMIN_PASSWORD' | 'DATA_DIR'>,
    @Inject(DATABASE) private readonly database: Database,
    private readonly passwords: Passwords,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if ((await people(this.database)) > 0) return;
    await this.database.transaction(async (transaction) => {
      // Two gateways that start at the same time must create only one administrator.
      await transaction.execute(sql`select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
      if ((await people(transaction)) > 0) return;
      const passwordHash = await this.passwords.hash((await this.password()).normalize('NFKC'));
      const [person] = await transaction
        .insert(accounts)
        .values({ kind: 'person', name: this.env.ADMIN_USERNAME, displayName: 'Administrator', passwordHash })
        .returning({ id: accounts.id });
      if (person === undefined) throw new Error('The first administrator could not be created.');
      const groupId = await administrators(transaction);
      await transaction.insert(memberships).values({ groupId, accountId: person.id });
      this.logger.log(`created the first administrator, "${this.env.ADMIN_USERNAME}"`);
    });
  }

  /** Returns ADMIN_PASSWORD or a new password. A new password is written to a file (mode 0600) before the account is created. */
  private async password(): Promise<string> {
    if (this.env.ADMIN_PASSWORD !== undefined) return this.env.ADMIN_PASSWORD;
    const password = randomBytes(18).toString('base64url');
    const file = join(this.env.DATA_DIR, PASSWORD_FILE);
    await mkdir(this.env.DATA_DIR, { recursive: true });
    // Delete an existing file first, because `mode` applies only to a new file.
    await rm(file, { force: true });
    await writeFile(file, `${password}\n`, { mode: 0o600, flag: 'wx' });
    this.logger.warn(`the first administrator's password is in ${file}; change it, then remove the file`);
    return password;
  }
}

function people(within: Database | Transaction): Promise<number> {
  return within.$count(accounts, eq(accounts.kind, 'person'));
}

async function administrators(transaction: Transaction): Promise<string> {
  await transaction
    .insert(groups)
    .values({ name: GROUP, description: 'Every right over everything' })
    .onConflictDoNothing();
  const [group] = await transaction
    .select({ id: groups.id })
    .from(groups)
    .where(eq(sql`lower(${groups.name})`, GROUP.toLowerCase()));
  if (group === undefined) throw new Error('The group of administrators could not be created.');
  const whole = and(eq(grants.groupId, group.id), eq(grants.scopeKind, 'all'));
  const held = await transaction.select({ rights: grants.rights }).from(grants).where(whole);
  const missing = RIGHTS.filter((right) => !held.some(({ rights }) => rights.includes(right)));
  if (missing.length > 0)
    await transaction.insert(grants).values({ groupId: group.id, rights: missing, scopeKind: 'all' });
  return group.id;
}
