import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { DATABASE, type Database } from '../../database/database.module.js';
import { storedSecrets } from '../../database/schema.access.js';
import { SealedBox } from '../../secrets/sealed.box.js';

/**
 * Secrets of 32 random bytes that all gateways of a database share. A secret is created at its first use and is encrypted with MASTER_KEY.
 */
@Injectable()
export class StoredSecrets {
  private readonly opened = new Map<string, Buffer>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  /** Returns the secret with this name. Two concurrent first uses get the same secret. */
  async get(name: string): Promise<Buffer> {
    const known = this.opened.get(name);
    if (known !== undefined) return known;
    await this.database
      .insert(storedSecrets)
      .values({ name, sealed: this.box.seal(name, randomBytes(32)) })
      .onConflictDoNothing();
    const [row] = await this.database.select().from(storedSecrets).where(eq(storedSecrets.name, name));
    if (row === undefined) throw new Error('A stored secret was deleted while it was read.');
    const secret = this.box.open(name, row.sealed);
    this.opened.set(name, secret);
    return secret;
  }
}
