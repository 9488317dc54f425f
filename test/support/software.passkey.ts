import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { z } from 'zod';

const PRESENT = 0x01;
const VERIFIED = 0x04;
const ATTESTED = 0x40;

/** What a test changes in the answers of an authenticator. */
interface Faults {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly isVerified?: boolean;
}

const Options = z.looseObject({ challenge: z.string() });

/** An authenticator with one P-256 key that answers like a browser with a passkey (WebAuthn §6.1 and §6.5). */
export class SoftwarePasskey {
  readonly id = randomBytes(16).toString('base64url');
  signCount = 0;
  private readonly pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(private readonly origin: string) {}

  /** Answers `navigator.credentials.create()`. */
  register(options: unknown, faults: Faults = {}) {
    const { x = '', y = '' } = this.pair.publicKey.export({ format: 'jwk' });
    const key = new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Uint8Array.from(Buffer.from(x, 'base64url'))],
      [-3, Uint8Array.from(Buffer.from(y, 'base64url'))],
    ]);
    const id = Buffer.from(this.id, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const data = Buffer.concat([
      this.authenticatorData(ATTESTED, faults),
      Buffer.alloc(16),
      length,
      id,
      isoCBOR.encode(key),
    ]);
    const attestation = new Map<string, string | Uint8Array | Map<string, string>>([
      ['fmt', 'none'],
      ['attStmt', new Map<string, string>()],
      ['authData', Uint8Array.from(data)],
    ]);
    return this.answer({
      clientDataJSON: this.clientData('webauthn.create', options, faults).toString('base64url'),
      attestationObject: Buffer.from(isoCBOR.encode(attestation)).toString('base64url'),
      transports: ['internal'],
    });
  }

  /** Answers `navigator.credentials.get()`. The signature counter grows with each answer. */
  assert(options: unknown, faults: Faults = {}) {
    this.signCount += 1;
    const data = this.authenticatorData(0, faults);
    const client = this.clientData('webauthn.get', options, faults);
    const signed = Buffer.concat([data, createHash('sha256').update(client).digest()]);
    return this.answer({
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: sign('sha256', signed, this.pair.privateKey).toString('base64url'),
    });
  }

  private answer<Response extends object>(response: Response) {
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response };
  }

  private clientData(type: string, options: unknown, faults: Faults): Buffer {
    const challenge = faults.challenge ?? Options.parse(options).challenge;
    const { origin = this.origin } = faults;
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  private authenticatorData(flags: number, { rpId, isVerified = true }: Faults): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.signCount);
    const hash = createHash('sha256')
      .update(rpId ?? new URL(this.origin).hostname)
      .digest();
    return Buffer.concat([hash, Buffer.from([flags | PRESENT | (isVerified ? VERIFIED : 0)]), count]);
  }
}
