import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';

/** A public RSA key as a JWK (RFC 7517). */
export const PublicJwk = z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() });
export type PublicJwk = z.infer<typeof PublicJwk>;

/** An RSA key pair and its id. The id is the thumbprint (RFC 7638), so the same key has the same id everywhere. */
export interface KeyPair {
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly privateKey: KeyObject;
}

const MIN_BITS = 2048;
const generate = promisify(generateKeyPair);

/** A new RSA key pair of 2048 bits. */
export async function newKeyPair(): Promise<KeyPair> {
  const { privateKey } = await generate('rsa', { modulusLength: MIN_BITS });
  return pairOf(privateKey);
}

/** The key pair of a private key in PEM (PKCS#8 or PKCS#1). Throws when the key is not an RSA key of 2048 bits or more. */
export function pairOfPem(pem: Buffer): KeyPair {
  return pairOf(createPrivateKey(pem));
}

/** The public key as PEM, for verification. */
export function pemOf(jwk: PublicJwk): string {
  const key: JsonWebKey = { ...jwk };
  return createPublicKey({ key, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString();
}

function pairOf(privateKey: KeyObject): KeyPair {
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (privateKey.asymmetricKeyType !== 'rsa' || bits < MIN_BITS)
    throw new Error(`A signing key must be an RSA key of ${MIN_BITS} bits or more.`);
  const publicJwk = PublicJwk.parse(createPublicKey(privateKey).export({ format: 'jwk' }));
  const { e, kty, n } = publicJwk;
  const kid = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url');
  return { kid, publicJwk, privateKey };
}
