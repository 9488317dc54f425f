/** What a log may never hold, by its form: keys, tokens, cookies, credentials, names as DICOM writes them. */
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
 * What of it stands in a gateway's log, as words without the thing itself; also the secrets of its own environment. Whoever tests with a
 * gateway tests this, too.
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

/** Whose it is, and what: no figure is of one study, one account or one thing. */
const NAMED: typeof FORMS = [
  ['a UID', /\b\d+(\.\d+){3,}\b/],
  ['an id', /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i],
];

/** The same of a gateway's metrics, which name nobody and nothing at all. */
export function foundInMetrics(metrics: string, env: Readonly<Record<string, string>>): string[] {
  return [...foundIn(metrics, env), ...NAMED.filter(([, form]) => form.test(metrics)).map(([what]) => what)];
}
