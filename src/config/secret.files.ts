import { readFileSync } from 'node:fs';

/** The settings that are secrets. Each may be given by a file instead: `MASTER_KEY_FILE` names the file with the value of `MASTER_KEY`. */
export const SECRETS = [
  'DATABASE_URL',
  'DATABASE_OWNER_URL',
  'ORTHANC_PASSWORD',
  'FHIR_TOKEN',
  'TERMINOLOGY_TOKEN',
  'METRICS_TOKEN',
  'MASTER_KEY',
  'OIDC_CLIENT_SECRET',
  'ADMIN_PASSWORD',
] as const;

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Replaces each `X_FILE` of a secret `X` by the content of that file, without the line break at its end. An empty variable means unset.
 * `faults` lists, by name and without values, secrets that are set twice and files that cannot be read.
 */
export function readSecretFiles(source: Variables): { variables: Variables; faults: string[] } {
  const variables = { ...source };
  const faults: string[] = [];
  for (const name of SECRETS) {
    const key = `${name}_FILE`;
    const path = source[key];
    if (!path) continue;
    if (source[name]) {
      faults.push(`${name} and ${key} are both set: remove one of them`);
      continue;
    }
    try {
      variables[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch {
      faults.push(`${key}: the file cannot be read`);
    }
  }
  return { variables, faults };
}
