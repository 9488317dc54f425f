import { ask, type FactorRequest, type SignIn, tooMany, valueAt } from './session.client.ts';

/** The proof of a second factor. `passkey` and `registration` are the answers of the browser. */
export type FactorProof =
  | { readonly code: string }
  | { readonly recovery_code: string }
  | { readonly passkey: object }
  | { readonly registration: object };

/** The result of a second factor. `ended` means that the person must enter the password again. `codes` are new recovery codes. */
export type ProvedFactor =
  | Exclude<SignIn, { outcome: 'factor' | 'signed-in' }>
  | { outcome: 'signed-in'; codes: readonly string[] }
  | { outcome: 'ended' };

/** A factor that is being added: the secret of an app, or the options for a passkey. */
export interface FactorOffer {
  readonly secret: string;
  readonly uri: string;
  readonly passkey: unknown;
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

function post(path: string, body: object): Promise<Response | undefined> {
  return ask(path, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify(body) });
}

/** Completes a sign-in with a second factor. */
export async function proveFactor({ challenge }: FactorRequest, proof: FactorProof): Promise<ProvedFactor> {
  const answer = await post('/api/auth/second-factor', { challenge, ...proof });
  if (!answer) return { outcome: 'away' };
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) {
    const codes = valueAt(body, 'recovery_codes');
    return {
      outcome: 'signed-in',
      codes: Array.isArray(codes) ? codes.filter((code) => typeof code === 'string') : [],
    };
  }
  if (answer.status === 429) return tooMany(answer);
  if (valueAt(body, 'code') === 'challenge-ended') return { outcome: 'ended' };
  // 422 means that the gateway cannot read such a code, so it is wrong.
  if (answer.status === 401 || answer.status === 422) return { outcome: 'wrong' };
  return { outcome: 'refused', status: answer.status };
}

/** Begins to add the first factor during a sign-in. Returns the result of the sign-in if this is not possible. */
export async function beginFactor(
  { challenge }: FactorRequest,
  kind: 'totp' | 'passkey',
): Promise<FactorOffer | ProvedFactor> {
  const answer = await post('/api/auth/second-factor/enrolment', { challenge, kind });
  if (!answer) return { outcome: 'away' };
  if (answer.status === 401) return { outcome: 'ended' };
  if (answer.status === 429) return tooMany(answer);
  if (!answer.ok) return { outcome: 'refused', status: answer.status };
  return factorOfferOf(await answer.json().catch(() => undefined));
}

/** Reads a factor that is being added. */
export function factorOfferOf(body: unknown): FactorOffer {
  const text = (key: string) => {
    const value = valueAt(body, key);
    return typeof value === 'string' ? value : '';
  };
  return { secret: text('secret'), uri: text('uri'), passkey: valueAt(body, 'passkey') };
}
