import { z } from 'zod';
import { NewPassword } from '../authn/sign-in/passwords.service.js';
import { Flag, ListQuery } from '../http/query.pipe.js';
import { AccountName, DisplayText, KnownPatient, PatientKey } from './fields.js';

/** A person in a response of the API. `name_withheld`: patients see only the organisation of this person, and not the name. */
export const User = z.object({
  id: z.uuid(),
  username: z.string(),
  display_name: z.string(),
  disabled: z.boolean(),
  organisation: z.string(),
  name_withheld: z.boolean(),
  patient: KnownPatient.nullable(),
});
export type User = z.output<typeof User>;
/** A person, with a `warning` when the catalog has no study of the linked patient. */
export const LinkedUser = User.extend({ warning: z.string().optional() });
export type LinkedUser = z.output<typeof LinkedUser>;

/** A new person. Without a password, the person cannot sign in yet. */
export const NewUser = z.strictObject({
  username: AccountName,
  display_name: DisplayText.default(''),
  password: NewPassword.optional(),
  disabled: z.boolean().default(false),
  organisation: DisplayText.default(''),
  name_withheld: z.boolean().default(false),
  patient: PatientKey.nullable().default(null),
});
export type NewUser = z.output<typeof NewUser>;

export const UserChange = z.strictObject({
  display_name: DisplayText.optional(),
  password: NewPassword.optional(),
  disabled: z.boolean().optional(),
  organisation: DisplayText.optional(),
  name_withheld: z.boolean().optional(),
});
export type UserChange = z.output<typeof UserChange>;

/**
 * Filters for people. Upper and lower case of `username` are not distinguished. `external` selects people who sign in through the OpenID
 * Connect provider.
 */
export const UsersQuery = ListQuery.extend({
  username: AccountName.optional(),
  group: z.uuid().optional(),
  disabled: Flag.optional(),
  external: Flag.optional(),
});
export type UsersQuery = z.output<typeof UsersQuery>;
