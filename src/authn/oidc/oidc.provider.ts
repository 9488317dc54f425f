import { Inject, Injectable, Logger } from '@nestjs/common';
import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import * as oidc from 'openid-client';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NeighbourAway } from '../../problems/errors.js';

/** The configuration of the provider from its discovery document, and the keys of the provider. */
export interface Provider {
  readonly configuration: oidc.Configuration;
  readonly issuer: string;
  readonly keys: JWTVerifyGetKey;
}

const FRESH_MS = 3_600_000;
const TIMEOUT_SECONDS = 5;
/** The pause between a failed discovery and the next attempt. It is the same for any number of people who sign in. */
const RETRY_MS = 2_000;

type Settings = Pick<Env, 'OIDC_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_CLIENT_SECRET'>;

/**
 * The OpenID Connect provider that the environment configures. Its discovery document is read at the first use, and again when it is older
 * than one hour.
 */
@Injectable()
export class OidcProvider {
  private readonly logger = new Logger('authn');
  private known: { readonly until: number; readonly provider: Promise<Provider> } | undefined;

  constructor(@Inject(ENV) private readonly env: Settings) {}

  /** Whether the claim `iss` of a token names the provider. This does not verify the token. */
  isIssuer(issuer: unknown): boolean {
    return this.env.OIDC_ISSUER !== undefined && issuer === this.env.OIDC_ISSUER;
  }

  /** Returns the provider, or undefined when external login is off. Throws NeighbourAway when the provider does not answer. */
  async get(): Promise<Provider | undefined> {
    const { OIDC_ISSUER, OIDC_CLIENT_ID } = this.env;
    if (OIDC_ISSUER === undefined || OIDC_CLIENT_ID === undefined) return undefined;
    if (this.known === undefined || this.known.until < performance.now()) {
      const provider = this.discover(OIDC_ISSUER, OIDC_CLIENT_ID);
      this.known = { until: performance.now() + FRESH_MS, provider };
      provider.catch(() => (this.known = { until: performance.now() + RETRY_MS, provider }));
    }
    return this.known.provider;
  }

  private async discover(issuer: string, clientId: string): Promise<Provider> {
    const { OIDC_CLIENT_SECRET: secret } = this.env;
    const insecure = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [];
    const options = { execute: insecure, timeout: TIMEOUT_SECONDS };
    try {
      const found = await oidc.discovery(
        new URL(issuer),
        clientId,
        undefined,
        authentication(secret),
        options,
      );
      const metadata = found.serverMetadata();
      const methods = metadata.token_endpoint_auth_methods_supported;
      const configuration =
        secret === undefined || methods === undefined || methods.includes('client_secret_basic')
          ? found
          : new oidc.Configuration(metadata, clientId, undefined, oidc.ClientSecretPost(secret));
      for (const each of insecure) each(configuration);
      configuration.timeout = TIMEOUT_SECONDS;
      if (metadata.jwks_uri === undefined) throw new Error('The discovery document has no jwks_uri.');
      const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), {
        timeoutDuration: TIMEOUT_SECONDS * 1000,
        cooldownDuration: 30_000,
      });
      return { configuration, issuer: metadata.issuer, keys };
    } catch (error) {
      this.logger.warn(
        `the sign-in provider cannot be reached or has an invalid discovery document: ${error instanceof Error ? error.name : 'error'}`,
      );
      throw new NeighbourAway('oidc', { cause: error });
    }
  }
}

function authentication(secret: string | undefined): oidc.ClientAuth {
  return secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret);
}
