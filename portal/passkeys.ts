import { valueAt } from './session.client.ts';

const text = (value: unknown, key: string): string => {
  const found = valueAt(value, key);
  return typeof found === 'string' ? found : '';
};
const list = (value: unknown, key: string): unknown[] => {
  const found = valueAt(value, key);
  return Array.isArray(found) ? found : [];
};
const credentials = (options: unknown, key: string) =>
  list(options, key).map((each) => ({
    id: text(each, 'id'),
    type: 'public-key' as const,
    transports: list(each, 'transports').filter((one) => typeof one === 'string'),
  }));

/** The answer of the browser that the gateway needs (WebAuthn §5.1.8). */
interface PasskeyMade {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
  readonly response: { clientDataJSON: string; attestationObject: string; transports: string[] };
}

/** Whether the browser has passkeys. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function';
}

/**
 * Makes a passkey with the options of the gateway (WebAuthn §5.4). Returns the answer for the gateway, or `undefined` if the person or the
 * browser refused.
 */
export async function makePasskey(options: unknown): Promise<PasskeyMade | undefined> {
  const { startRegistration } = await import('@simplewebauthn/browser');
  const [rp, user] = [valueAt(options, 'rp'), valueAt(options, 'user')];
  try {
    const { id, rawId, type, response } = await startRegistration({
      optionsJSON: {
        challenge: text(options, 'challenge'),
        rp: { id: text(rp, 'id'), name: text(rp, 'name') },
        user: { id: text(user, 'id'), name: text(user, 'name'), displayName: text(user, 'displayName') },
        pubKeyCredParams: list(options, 'pubKeyCredParams').map((each) => ({
          type: 'public-key',
          alg: Number(valueAt(each, 'alg')),
        })),
        excludeCredentials: credentials(options, 'excludeCredentials'),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        attestation: 'none',
      },
    });
    const { clientDataJSON, attestationObject, transports = [] } = response;
    return { id, rawId, type, response: { clientDataJSON, attestationObject, transports } };
  } catch {
    return undefined;
  }
}

/**
 * Asks for a passkey with the options of the gateway (WebAuthn §5.5). Returns the answer for the gateway, or `undefined` if the person or the
 * browser refused.
 */
export async function usePasskey(options: unknown): Promise<object | undefined> {
  const { startAuthentication } = await import('@simplewebauthn/browser');
  try {
    return await startAuthentication({
      optionsJSON: {
        challenge: text(options, 'challenge'),
        rpId: text(options, 'rpId'),
        allowCredentials: credentials(options, 'allowCredentials'),
        userVerification: 'required',
      },
    });
  } catch {
    return undefined;
  }
}
