import { z } from 'zod';
import { OpenedSession } from '../sign-in/login.bodies.js';
import { ClaimedPassword } from '../sign-in/passwords.service.js';
import { TokenPair } from '../tokens/token.pairs.js';

const Base64Url = z
  .string()
  .regex(/^[\w-]*$/)
  .max(16_384);
/** The outputs of extensions are not used. */
const Outputs = z
  .looseObject({})
  .default({})
  .transform(() => ({}));

/** The answer of `navigator.credentials.create()` in JSON (WebAuthn §5.1.8, RegistrationResponseJSON). Other members are ignored. */
export const PasskeyRegistration = z.object({
  id: Base64Url,
  rawId: Base64Url,
  type: z.literal('public-key'),
  clientExtensionResults: Outputs,
  response: z.object({
    clientDataJSON: Base64Url,
    attestationObject: Base64Url,
    transports: z.array(z.string().max(32)).max(8).exactOptional(),
  }),
});
export type PasskeyRegistration = z.output<typeof PasskeyRegistration>;

/** The answer of `navigator.credentials.get()` in JSON (WebAuthn §5.1.8, AuthenticationResponseJSON). Other members are ignored. */
export const PasskeyAssertion = z.object({
  id: Base64Url,
  rawId: Base64Url,
  type: z.literal('public-key'),
  clientExtensionResults: Outputs,
  response: z.object({
    clientDataJSON: Base64Url,
    authenticatorData: Base64Url,
    signature: Base64Url,
    userHandle: Base64Url.exactOptional(),
  }),
});
export type PasskeyAssertion = z.output<typeof PasskeyAssertion>;

const Challenge = z.string().min(1).max(256);
const Code = z.string().trim().max(64);
const FactorKind = z.enum(['totp', 'passkey']);
/** The name that the person gives to a factor, for example the name of the phone. */
const FactorName = z
  .string()
  .trim()
  .max(64)
  .regex(/^\P{Cc}*$/u, { message: 'Control characters are not allowed.' });

/** The proof of a second factor: exactly one of the members besides `challenge`. */
export const SecondFactorProof = z
  .strictObject({
    challenge: Challenge,
    code: Code.optional().describe('The six digits that the authenticator app shows.'),
    recovery_code: Code.optional(),
    passkey: PasskeyAssertion.optional(),
    registration: PasskeyRegistration.optional().describe('The new passkey, if the sign-in enrols one.'),
  })
  .refine(
    ({ code, recovery_code, passkey, registration }) =>
      [code, recovery_code, passkey, registration].filter((proof) => proof !== undefined).length === 1,
    { path: ['code'], message: 'Send exactly one of code, recovery_code, passkey and registration.' },
  );
export type SecondFactorProof = z.output<typeof SecondFactorProof>;

/** The factor that a sign-in enrols. */
export const SignInEnrolment = z.strictObject({
  challenge: Challenge,
  kind: FactorKind,
  name: FactorName.default(''),
});
export type SignInEnrolment = z.output<typeof SignInEnrolment>;

/** The factor that the caller enrols. The password is asked again. */
export const NewFactor = z.strictObject({
  kind: FactorKind,
  name: FactorName.default(''),
  password: ClaimedPassword,
});
export type NewFactor = z.output<typeof NewFactor>;

/** The proof that a new factor works: the code of the app, or the registration of the passkey. */
export const FactorConfirmation = z
  .strictObject({ code: Code.optional(), registration: PasskeyRegistration.optional() })
  .refine(({ code, registration }) => (code === undefined) !== (registration === undefined), {
    path: ['code'],
    message: 'Send either code or registration.',
  });
export type FactorConfirmation = z.output<typeof FactorConfirmation>;

/** The password of the caller. */
export const PasswordAgain = z.strictObject({ password: ClaimedPassword });
export type PasswordAgain = z.output<typeof PasswordAgain>;

const Codes = z.array(z.string()).describe('Ten codes. Each code works once. They are shown only now.');

/** New recovery codes. */
export const RecoveryCodes = z.object({ recovery_codes: Codes });
export type RecoveryCodes = z.output<typeof RecoveryCodes>;

/** An enrolment in progress. It ends after ten minutes. `secret` and `uri` are for an authenticator app, `passkey` is for the browser. */
export const FactorEnrolment = z.object({
  id: z.uuid(),
  kind: FactorKind,
  secret: z.string().optional().describe('The secret in base32.'),
  uri: z.string().optional().describe('The secret as an otpauth URI, for a QR code.'),
  passkey: z
    .looseObject({ challenge: z.string() })
    .optional()
    .describe('PublicKeyCredentialCreationOptionsJSON (WebAuthn §5.4).'),
});
export type FactorEnrolment = z.output<typeof FactorEnrolment>;

/** A second factor of an account. Times are in ISO 8601. */
export const Factor = z.object({
  id: z.uuid(),
  kind: FactorKind,
  name: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable(),
});
export type Factor = z.output<typeof Factor>;

/** The second factors of an account. */
export const Factors = z.object({
  items: z.array(Factor).readonly(),
  recovery_codes_left: z.int(),
  has_password: z
    .boolean()
    .describe('Whether the account has a password. Without one, it needs no second factor.'),
  required: z.boolean().describe('Whether a group of the account requires a second factor.'),
  passkeys_available: z.boolean().describe('Whether browsers allow passkeys at the public address.'),
});
export type Factors = z.output<typeof Factors>;

/** The confirmed factor. The first factor comes with recovery codes. */
export const ConfirmedFactor = Factor.extend({ recovery_codes: Codes.optional() });
export type ConfirmedFactor = z.output<typeof ConfirmedFactor>;

/** The answer of a complete sign-in. A sign-in that enrolled the first factor has recovery codes. */
export const CompletedSignIn = z.union([
  TokenPair.extend({ recovery_codes: Codes.optional() }),
  OpenedSession.extend({ recovery_codes: Codes.optional() }),
]);
export type CompletedSignIn = z.output<typeof CompletedSignIn>;
