import { z } from 'zod';
import { ClaimedPassword, NewPassword } from './passwords.service.js';

/** The name and password of a person. With `session: true`, the response has cookies instead of tokens. */
export const Login = z.strictObject({
  username: z.string().trim().min(1).max(256),
  password: ClaimedPassword,
  session: z.boolean().default(false),
});
export type Login = z.output<typeof Login>;

export const Refresh = z.strictObject({ refresh_token: z.string().min(1).max(256) });
export type Refresh = z.output<typeof Refresh>;

/** The body of a sign-out request. It is optional. */
export const Logout = z
  .strictObject({ refresh_token: z.string().max(256).optional() })
  .nullish()
  .transform((body) => body ?? {});
export type Logout = z.output<typeof Logout>;

/** The current and the new password of the caller. */
export const PasswordChange = z.strictObject({
  current_password: ClaimedPassword,
  new_password: NewPassword,
});
export type PasswordChange = z.output<typeof PasswordChange>;

/** A new session. It ends after `expires_in` seconds without a request. */
export const OpenedSession = z.object({ expires_in: z.int() });
export type OpenedSession = z.output<typeof OpenedSession>;
