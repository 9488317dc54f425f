import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { reserveAnyPort } from '../../infra/local/port.ts';

/** The claims of a person who signs in at the provider. */
export type Stranger = Readonly<Record<string, unknown>> & { readonly sub: string };

/** A real OpenID Connect provider on this machine. It signs everybody in as `stranger`, without a form. */
export type TestProvider = {
  issuer: string;
  clientId: string;
  clientSecret: string;
  stranger: Stranger;
  /** A token signed with the provider's key. */
  sign: (claims: object, header?: object) => Promise<string>;
  connections: () => number;
  stop: () => Promise<void>;
};

/**
 * Starts the provider. It redirects only to `redirectUri` and requires PKCE. With `secure` it listens on that address with TLS, otherwise on
 * 127.0.0.1 without TLS.
 */
export async function startTestProvider(
  redirectUri: string,
  secure?: { host: string; key: string; cert: string },
): Promise<TestProvider> {
  const port = await reserveAnyPort();
  const issuer = secure ? `https://${secure.host}:${port}` : `http://127.0.0.1:${port}`;
  const [clientId, clientSecret] = ['radgate-test', 'a secret of the test provider'];
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'test', alg: 'RS256', use: 'sig' };
  const provider: Provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['test'] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email'] },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ ...running.stranger, sub }),
    }),
    loadExistingGrant: async (context) => {
      const { oidc } = context;
      const grant = new provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    ttl: {
      Interaction: 600,
      Grant: 600,
      Session: 600,
      AccessToken: 600,
      IdToken: 600,
      AuthorizationCode: 60,
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: () => '/come-in' },
  });
  provider.use(async (context, next) => {
    if (context.path !== '/come-in') return next();
    await provider.interactionFinished(context.req, context.res, {
      login: { accountId: running.stranger.sub },
    });
    context.respond = false;
  });
  let connections = 0;
  const answer: RequestListener = (request, response) => void provider.callback()(request, response);
  const server = secure ? createSecureServer(secure, answer) : createServer(answer);
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(port, secure?.host ?? '127.0.0.1', resolve));
  const running: TestProvider = {
    issuer,
    clientId,
    clientSecret,
    stranger: { sub: 'nobody' },
    sign: (claims, header = {}) =>
      new SignJWT({ iss: issuer, aud: clientId, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'test', typ: 'at+jwt', ...header })
        .sign(privateKey),
    connections: () => connections,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return running;
}
