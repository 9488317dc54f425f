import { z } from 'zod';
import { RetentionYears } from './retention.rules.js';
import { readSecretFiles, SECRETS, type Variables } from './secret.files.js';

const PLACEHOLDER = /^(change-?me|password|secret|example|placeholder)/i;

const secret = (minimum: number) => z.string().min(minimum, `needs at least ${minimum} characters`);
const port = z.coerce.number().int().min(1).max(65535);
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  );

/** For how many months the audit is kept. The default is six years. An empty value means that the setting is not set. */
export const AuditMonths = z.preprocess(
  (value) => (value === '' ? undefined : value),
  z.coerce.number().int().min(1).max(1200).default(72),
);

/** Every setting of the gateway. A test checks that `.env.example` has the same keys. */
export const EnvSchema = z.object({
  NODE_ENV: z.enum(['production', 'development']).default('production'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  // Used only for migrations. The gateway must not have this setting, because the role in this URL can change audit rows.
  DATABASE_OWNER_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  // Used only for migrations. The gateway must not be able to shorten this time and thereby delete audit rows.
  AUDIT_RETENTION_MONTHS: AuditMonths,
  ORTHANC_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  ORTHANC_USERNAME: z.string().min(1),
  ORTHANC_PASSWORD: secret(8),
  DEFAULT_ISSUER: z.string().trim().min(1).max(64).default('RADGATE'),
  MAX_INSTANCE_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(2 ** 31),
  KEEP_TIFF_PREAMBLE: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
  KEEP_ORIGINALS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
  DELETE_MODE: z.enum(['reject', 'remove']).default('reject'),
  PURGE_AFTER_DAYS: z.coerce.number().int().min(0).max(36_500).default(30),
  PURGE_TWO_PERSONS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
  RETENTION_YEARS: RetentionYears,
  CORS_ORIGINS: list,
  FHIR_BASE_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  FHIR_TOKEN: z.string().min(1).optional(),
  TERMINOLOGY_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  TERMINOLOGY_TOKEN: z.string().min(1).optional(),
  IMPORT_ROWS_DAYS: z.coerce.number().positive().max(36_500).default(365),
  METRICS_TOKEN: secret(16).optional(),
  MASTER_KEY: z
    .string()
    .refine((text) => Buffer.from(text, 'base64').length === 32, 'needs 32 bytes in base64'),
  JWT_PRIVATE_KEY_FILE: z.string().min(1).optional(),
  JWT_KEY_DAYS: z.coerce.number().positive().max(3650).default(90),
  OIDC_ISSUER: z.url({ protocol: /^https?$/ }).optional(),
  OIDC_CLIENT_ID: z.string().min(1).optional(),
  OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  OIDC_SCOPES: z
    .string()
    .regex(/\bopenid\b/, 'must contain openid')
    .default('openid profile email'),
  OIDC_GROUP_CLAIM: z.string().min(1).default('groups'),
  OIDC_AUDIENCE: z.string().min(1).optional(),
  OIDC_NAME: z.string().trim().min(1).max(64).default('single sign-on'),
  ADMIN_USERNAME: z.string().min(1).default('admin'),
  ADMIN_PASSWORD: secret(15).optional(),
  DATA_DIR: z.string().min(1).default('.local'),
  CACHE_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(2 ** 31),
  CACHE_AHEAD_PERCENT: z.coerce.number().int().min(0).max(100).default(25),
  CACHE_DIR: z.string().min(1).optional(),
  ACCEL_REDIRECT: z
    .string()
    .regex(/^\/[a-z-]+$/, 'must be a slash and a name of lower case letters')
    .optional(),
  TRUSTED_PROXIES: list,
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

export type Env = Readonly<z.infer<typeof EnvSchema>>;

/** Reports all errors in the environment together. Names the settings but not their values. */
export class EnvironmentFaulty extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `Invalid environment: ${faults.length} fault(s). Correct .env or the environment variables.\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }
}

/**
 * Parses the environment and the files of its secrets (`readSecretFiles`). An empty value means that the setting is not set. Throws
 * {@link EnvironmentFaulty} with all errors.
 */
export function readEnv(environment: Variables): Env {
  const { variables: source, faults: unread } = readSecretFiles(environment);
  const given = Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = EnvSchema.safeParse(given);
  const invalid = parsed.success
    ? []
    : parsed.error.issues.map((issue) => {
        const key = issue.path.join('.');
        return given[key] === undefined ? `${key} is missing` : `${key}: ${issue.message}`;
      });
  const faults = [...unread, ...invalid];
  const production = (given['NODE_ENV'] ?? 'production') === 'production';
  for (const key of SECRETS) {
    if (production && PLACEHOLDER.test(given[key] ?? ''))
      faults.push(`${key} is a placeholder: set a secret of your own`);
  }
  if (given['OIDC_ISSUER'] !== undefined) {
    if (given['OIDC_CLIENT_ID'] === undefined) faults.push('OIDC_CLIENT_ID is missing');
    if (/^http:\/\/(?!localhost\b|127\.|\[::1\])/.test(given['OIDC_ISSUER']))
      faults.push('OIDC_ISSUER: must be https, except on localhost');
  }
  if (!parsed.success || faults.length > 0) throw new EnvironmentFaulty(faults);
  return Object.freeze(parsed.data);
}
