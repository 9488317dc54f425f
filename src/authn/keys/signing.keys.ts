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

/** A key of the JWKS. */
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
  /** Not retired yet. */
  readonly signs: boolean;
  /** Old enough that every gateway, and whoever keeps our JWKS no longer than we say, has met it. */
  readonly settled: boolean;
}

/** How long the JWKS may be kept, and how old what a gateway knows of the keys may be. */
const JWKS_SECONDS = 5;
const SETTLES = sql.raw(`interval '15 seconds'`);
/** The last token a retired key signed is over by then, clocks that differ included. */
const VERIFIES = sql.raw(`interval '16 minutes'`);

/**
 * The RS256 key pairs of access tokens, one set for all gateways of a database, or those of JWT_PRIVATE_KEY_FILE. A key is published
 * fifteen seconds before it signs, and verifies on until its last token is over. Tokens decide nothing here: an unknown key id asks nobody.
 */
@Injectable()
export class SigningKeys implements OnModuleInit {
  private keys: readonly Key[] = [];
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;
  /** Private halves in use: the one unsealed last, or those of the file. */
  private readonly held = new Map<string, KeyObject>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'JWT_KEY_DAYS'>,
    private readonly box: SealedBox,
    private readonly file: KeyFile,
  ) {}

  async onModuleInit(): Promise<void> {
    // A wrong MASTER_KEY or file is better met now than at the first login.
    await this.current();
  }

  /** The key to sign with now. */
  async current(): Promise<{ readonly kid: string; readonly privateKey: KeyObject }> {
    await this.refresh();
    const own = this.keys.filter(
      (key) => key.signs && (key.privateSealed !== null || this.held.has(key.kid)),
    );
    const key = own.find(({ settled }) => settled) ?? own.at(-1);
    if (key === undefined) throw new Error('There is no signing key.');
    return { kid: key.kid, privateKey: this.privateHalf(key) };
  }

  /** The public key (PEM) of a key id, or undefined when no key of ours has it. */
  async find(kid: string): Promise<string | undefined> {
    await this.refresh();
    return this.keys.find((key) => key.kid === kid)?.pem;
  }

  /** What is published as JWKS (RFC 7517 §5). */
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
      this.held.set(pair.kid, pair.privateKey);
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
    for (const kid of this.held.keys()) if (!rows.some((row) => row.kid === kid)) this.held.delete(kid);
    this.readAt = startedAt;
  }

  private privateHalf({ kid, privateSealed }: Key): KeyObject {
    const held = this.held.get(kid);
    if (held !== undefined) return held;
    try {
      if (privateSealed === null) throw new Error('It is in no file of this gateway.');
      const der = this.box.open(KEYS_PURPOSE, privateSealed);
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      this.held.set(kid, key);
      return key;
    } catch (error) {
      throw new Error('A stored signing key does not open: MASTER_KEY is not the one it was sealed under.', {
        cause: error,
      });
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
