import { isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NotConfigured } from '../../problems/errors.js';
import type { PasskeyAssertion, PasskeyRegistration } from './factor.bodies.js';

/** EdDSA, ES256 and RS256 (RFC 9053 §2, RFC 8812 §2). */
const ALGORITHMS = [-8, -7, -257];
const NAME = 'Radgate';

/** A stored passkey. */
export interface Passkey {
  readonly credentialId: string;
  readonly publicKey: Buffer;
  readonly signCount: number;
  readonly transports: readonly string[];
}

/** The service as a relying party (WebAuthn §4): the host and the origin of its public address. */
export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/**
 * Returns the relying party of a public address. Returns `undefined` if browsers allow no passkeys there: the host is an IP address, or the
 * address is HTTP and not localhost (WebAuthn §5.1.2).
 */
export function relyingPartyOf(publicUrl: string): RelyingParty | undefined {
  const { hostname, origin, protocol } = new URL(publicUrl);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  return protocol === 'https:' || isLocal ? { id: hostname, origin } : undefined;
}

/** Makes the options for passkeys and verifies the answers of browsers (WebAuthn §7). User verification is always required. */
@Injectable()
export class Passkeys {
  private readonly party: RelyingParty | undefined;

  constructor(@Inject(ENV) env: Pick<Env, 'PUBLIC_URL'>) {
    this.party = relyingPartyOf(env.PUBLIC_URL);
  }

  get areAvailable(): boolean {
    return this.party !== undefined;
  }

  /**
   * Returns the options for `navigator.credentials.create()`. `known` are the account's passkeys, so that no authenticator is registered
   * twice. Throws NotConfigured if the public address allows no passkeys.
   */
  async registration(
    account: { readonly id: string; readonly name: string },
    known: readonly Passkey[],
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    return generateRegistrationOptions({
      rpName: NAME,
      rpID: this.demanded().id,
      userID: Uint8Array.from(Buffer.from(account.id)),
      userName: account.name,
      excludeCredentials: known.map(descriptorOf),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    });
  }

  /** Verifies a registration. Returns the new passkey, or `undefined` if the registration is not valid. */
  async registered(response: PasskeyRegistration, challenge: string): Promise<Passkey | undefined> {
    const { id, origin } = this.demanded();
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }).catch(() => ({ verified: false, registrationInfo: undefined }));
    if (!verified || registrationInfo === undefined) return undefined;
    const { credential } = registrationInfo;
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey),
      signCount: credential.counter,
      transports: response.response.transports ?? [],
    };
  }

  /** Returns the options for `navigator.credentials.get()` with these passkeys, or `undefined` without usable passkeys. */
  async assertion(passkeys: readonly Passkey[]): Promise<PublicKeyCredentialRequestOptionsJSON | undefined> {
    if (this.party === undefined || passkeys.length === 0) return undefined;
    return generateAuthenticationOptions({
      rpID: this.party.id,
      allowCredentials: passkeys.map(descriptorOf),
      userVerification: 'required',
    });
  }

  /** Verifies an assertion of this passkey. Returns its new signature counter, or `undefined` if the assertion is not valid. */
  async asserted(
    response: PasskeyAssertion,
    challenge: string,
    { credentialId, publicKey, signCount }: Passkey,
  ): Promise<number | undefined> {
    if (this.party === undefined) return undefined;
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: this.party.origin,
      expectedRPID: this.party.id,
      credential: { id: credentialId, publicKey: Uint8Array.from(publicKey), counter: signCount },
      requireUserVerification: true,
    }).catch(() => ({ verified: false, authenticationInfo: undefined }));
    return verified ? authenticationInfo?.newCounter : undefined;
  }

  private demanded(): RelyingParty {
    if (this.party === undefined)
      throw new NotConfigured(
        'Passkeys need a public address with HTTPS and a host name. The operator sets PUBLIC_URL.',
      );
    return this.party;
  }
}

function descriptorOf({ credentialId, transports }: Passkey) {
  return { id: credentialId, transports: [...transports] };
}
