import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { and, desc, gt, isNull, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { signingKeys } from '../database/schema.access.js';
import { SealedBox } from '../secrets/sealed.box.js';

/** A public key as RFC 7517 writes it. */
const PublicJwk = z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() });
export type PublishedKey = z.infer<typeof PublicJwk> & {
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'RS256';
};

interface Key {
  readonly kid: string;
  readonly pem: string;
  readonly privateSealed: Buffer;
  readonly published: PublishedKey;
  /** Not retired yet. */
  readonly signs: boolean;
  /** Old enough that every gateway and whoever keeps our JWKS for a minute has met it. */
  readonly settled: boolean;
}

const KEYS_LOCK = 7_263_421;
const PURPOSE = 'signing keys';
const REREAD_MS = 60_000;
/** Tokens with unknown key ids must not become a way to make the gateway ask Postgres. */
const UNKNOWN_PAUSE_MS = 5_000;
const generate = promisify(generateKeyPair);

/**
 * The RS256 key pairs of access tokens, one set for all gateways of a database. Made at first start; a key older than 90 days is
 * followed by a new one, which is published two minutes before it signs, and verifies on until its last token is long over.
 */
@Injectable()
export class SigningKeys implements OnModuleInit {
  private keys: readonly Key[] = [];
  private readAt = 0;
  private reading: Promise<void> | undefined;
  /** The one key whose private half is needed. */
  private signer: { readonly kid: string; readonly privateKey: KeyObject } | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.read();
    // A wrong MASTER_KEY is better met now than at the first login.
    await this.current();
  }

  /** The key to sign with now. */
  async current(): Promise<{ readonly kid: string; readonly privateKey: KeyObject }> {
    if (this.age() > REREAD_MS) await this.read();
    const signing = this.keys.filter((key) => key.signs);
    const key = signing.find(({ settled }) => settled) ?? signing.at(-1);
    if (key === undefined) throw new Error('There is no signing key.');
    if (this.signer?.kid !== key.kid) this.signer = { kid: key.kid, privateKey: this.unsealed(key) };
    return this.signer;
  }

  /** The public key (PEM) of a key id, or undefined when no key of ours has it. */
  async find(kid: string): Promise<string | undefined> {
    const known = () => this.keys.find((key) => key.kid === kid)?.pem;
    if (this.age() > REREAD_MS || (known() === undefined && this.age() > UNKNOWN_PAUSE_MS)) await this.read();
    return known();
  }

  /** What is published as JWKS (RFC 7517 §5). */
  async published(): Promise<readonly PublishedKey[]> {
    if (this.age() > REREAD_MS) await this.read();
    return this.keys.map((key) => key.published);
  }

  private age(): number {
    return Date.now() - this.readAt;
  }

  private async read(): Promise<void> {
    this.reading ??= this.readOnce().finally(() => (this.reading = undefined));
    await this.reading;
  }

  private async readOnce(): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.execute(sql`select pg_advisory_xact_lock(${KEYS_LOCK})`);
      const [young] = await transaction
        .select({ kid: signingKeys.kid })
        .from(signingKeys)
        .where(and(isNull(signingKeys.retiredAt), gt(signingKeys.createdAt, sql`now() - interval '90 days'`)))
        .limit(1);
      if (young === undefined) await this.make(transaction);
      const rows = await transaction
        .select({
          kid: signingKeys.kid,
          publicJwk: signingKeys.publicJwk,
          privateSealed: signingKeys.privateSealed,
          signs: sql<boolean>`coalesce(${signingKeys.retiredAt} > now(), true)`,
          settled: sql<boolean>`${signingKeys.createdAt} < now() - interval '2 minutes'`,
        })
        .from(signingKeys)
        .where(or(isNull(signingKeys.retiredAt), gt(signingKeys.retiredAt, sql`now() - interval '1 hour'`)))
        .orderBy(desc(signingKeys.createdAt));
      this.keys = rows.map(keyOf);
      this.readAt = Date.now();
    });
  }

  private async make(transaction: Transaction): Promise<void> {
    const pair = await generate('rsa', { modulusLength: 2048 });
    await transaction
      .update(signingKeys)
      .set({ retiredAt: sql`now() + interval '5 minutes'` })
      .where(isNull(signingKeys.retiredAt));
    await transaction.insert(signingKeys).values({
      kid: randomBytes(12).toString('base64url'),
      publicJwk: pair.publicKey.export({ format: 'jwk' }),
      privateSealed: this.box.seal(PURPOSE, pair.privateKey.export({ format: 'der', type: 'pkcs8' })),
    });
  }

  private unsealed({ privateSealed }: Key): KeyObject {
    try {
      const key = this.box.open(PURPOSE, privateSealed);
      return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
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
  const key: JsonWebKey = { ...jwk };
  return {
    kid,
    pem: createPublicKey({ key, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString(),
    privateSealed,
    ...state,
    published: { ...jwk, kid, use: 'sig', alg: 'RS256' },
  };
}
