import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { desc, gt, isNull, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { DATABASE, type Database } from '../../database/database.module.js';
import { signingKeys } from '../../database/schema.access.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { KeyFile } from './key.file.js';
import { pemOf, PublicJwk } from './key.pair.js';
import { KEYS_PURPOSE, keepFileKey, rotateWhenDue } from './key.rotation.js';

/** A public key in the JWK Set. */
export const PublishedKey = PublicJwk.extend({
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.literal('RS256'),
});
export type PublishedKey = z.output<typeof PublishedKey>;

interface Key {
  readonly kid: string;
  readonly pem: string;
  readonly privateSealed: Buffer | null;
  readonly published: PublishedKey;
  /** Whether the key may still sign. */
  readonly signs: boolean;
  /**
   * Whether the key was published at least 15 seconds ago. By then, all gateways and all clients that respect the cache time of the JWKS
   * have read the key.
   */
  readonly settled: boolean;
}

/** The cache time of the JWKS, for clients and for the gateway itself. */
const JWKS_SECONDS = 5;
const SETTLES = sql.raw(`interval '15 seconds'`);
/** The time that a retired key still verifies tokens. It is the lifetime of a token (15 minutes) plus one minute for clock differences. */
const VERIFIES = sql.raw(`interval '16 minutes'`);

/**
 * The RS256 key pairs for access tokens. All gateways of a database share the keys, which are created automatically or come from
 * JWT_PRIVATE_KEY_FILE. A key is published fifteen seconds before it is used for signing, and it verifies tokens until the last token that
 * it signed has expired. A token with an unknown key id causes no database query.
 */
@Injectable()
export class SigningKeys implements OnModuleInit {
  private keys: readonly Key[] = [];
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;
  /** Private keys in memory, by key id. */
  private readonly privateKeys = new Map<string, KeyObject>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'JWT_KEY_DAYS'>,
    private readonly box: SealedBox,
    private readonly file: KeyFile,
  ) {}

  async onModuleInit(): Promise<void> {
    // Detect a wrong MASTER_KEY or key file when the gateway starts, and not only at the first login.
    await this.current();
  }

  /** The key to sign with now. */
  async current(): Promise<{ readonly kid: string; readonly privateKey: KeyObject }> {
    await this.refresh();
    const own = this.keys.filter(
      (key) => key.signs && (key.privateSealed !== null || this.privateKeys.has(key.kid)),
    );
    const key = own.find(({ settled }) => settled) ?? own.at(-1);
    if (key === undefined) throw new Error('There is no signing key.');
    return { kid: key.kid, privateKey: this.privateKeyOf(key) };
  }

  /** The public key (PEM) with a key id. The value is undefined for an unknown id. */
  async find(kid: string): Promise<string | undefined> {
    await this.refresh();
    return this.keys.find((key) => key.kid === kid)?.pem;
  }

  /** The keys of the JWK Set (RFC 7517 §5). */
  async published(): Promise<readonly PublishedKey[]> {
    await this.refresh();
    return this.keys.map((key) => key.published);
  }

  private async refresh(): Promise<void> {
    if (performance.now() - this.readAt < JWKS_SECONDS * 1000) return;
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    await this.reading;
  }

  private async read(): Promise<void> {
    const startedAt = performance.now();
    const pair = await this.file.read();
    if (pair === undefined) await rotateWhenDue(this.database, this.box, this.env.JWT_KEY_DAYS);
    else {
      this.privateKeys.set(pair.kid, pair.privateKey);
      await keepFileKey(this.database, pair);
    }
    const rows = await this.database
      .select({
        kid: signingKeys.kid,
        publicJwk: signingKeys.publicJwk,
        privateSealed: signingKeys.privateSealed,
        signs: sql<boolean>`coalesce(${signingKeys.retiredAt} > now(), true)`,
        settled: sql<boolean>`${signingKeys.createdAt} < now() - ${SETTLES}`,
      })
      .from(signingKeys)
      .where(or(isNull(signingKeys.retiredAt), gt(signingKeys.retiredAt, sql`now() - ${VERIFIES}`)))
      .orderBy(desc(signingKeys.createdAt));
    this.keys = rows.map(keyOf);
    for (const kid of this.privateKeys.keys())
      if (!rows.some((row) => row.kid === kid)) this.privateKeys.delete(kid);
    this.readAt = startedAt;
  }

  private privateKeyOf({ kid, privateSealed }: Key): KeyObject {
    const held = this.privateKeys.get(kid);
    if (held !== undefined) return held;
    try {
      if (privateSealed === null) throw new Error('This gateway has no file with the private key.');
      const der = this.box.open(KEYS_PURPOSE, privateSealed);
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      this.privateKeys.set(kid, key);
      return key;
    } catch (error) {
      throw new Error(
        'A stored signing key cannot be decrypted: MASTER_KEY is not the one that encrypted it. Restore the earlier MASTER_KEY.',
        {
          cause: error,
        },
      );
    }
  }
}

type Row = Pick<typeof signingKeys.$inferSelect, 'kid' | 'publicJwk' | 'privateSealed'>;

function keyOf({ kid, publicJwk, privateSealed, ...state }: Row & Pick<Key, 'signs' | 'settled'>): Key {
  const jwk = PublicJwk.parse(publicJwk);
  return {
    kid,
    pem: pemOf(jwk),
    privateSealed,
    ...state,
    published: { ...jwk, kid, use: 'sig', alg: 'RS256' },
  };
}
