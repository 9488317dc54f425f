/** Patterns that a log must not contain: keys, tokens, cookies, credentials, DICOM person names. */
const FORMS: readonly (readonly [what: string, form: RegExp])[] = [
  ['an API key', /rgk_[\w-]{20,}/],
  ['a refresh token', /rgr_[\w-]{20,}/],
  ['an access token', /eyJ[\w-]{10,}\.[\w-]{10,}/],
  ['a cookie', /(radgate_session|csrf_token|radgate_oidc)=/],
  ['credentials', /\b(bearer|basic) [\w+/=-]{12,}/i],
  ['a private key', /-----BEGIN/],
  ['a password hash', /\$argon2/],
  ['a patient’s name', /\p{L}{2,}\^\p{L}/u],
];
const SECRETS = /PASSWORD|SECRET|TOKEN|MASTER_KEY/;

/**
 * The names of the forbidden patterns and of the environment's secrets that a gateway's log contains. Every test with a gateway checks that
 * there are none.
 */
export function foundIn(log: string, env: Readonly<Record<string, string>>): string[] {
  const database = URL.canParse(env['DATABASE_URL'] ?? '') ? new URL(env['DATABASE_URL'] ?? '').password : '';
  const secrets = Object.entries(env)
    .filter(([name, value]) => SECRETS.test(name) && value.length >= 8)
    .concat(database.length >= 8 ? [['DATABASE_URL', database]] : []);
  return [
    ...secrets.filter(([, value]) => log.includes(value)).map(([name]) => `${name} of the environment`),
    ...FORMS.filter(([, form]) => form.test(log)).map(([what]) => what),
  ];
}

/** Patterns that metrics must not contain, because no metric may be about one study, one account or one object. */
const NAMED: typeof FORMS = [
  ['a UID', /\b\d+(\.\d+){3,}\b/],
  ['an id', /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i],
];

/** Like {@link foundIn}, but for the metrics of a gateway. Metrics must not contain UIDs or ids either. */
export function foundInMetrics(metrics: string, env: Readonly<Record<string, string>>): string[] {
  return [...foundIn(metrics, env), ...NAMED.filter(([, form]) => form.test(metrics)).map(([what]) => what)];
}
