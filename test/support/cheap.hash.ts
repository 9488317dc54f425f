import { hash } from '@node-rs/argon2';

/** The least memory (in KiB) and the least number of passes of argon2id. */
const LEAST = { memoryCost: 8, timeCost: 1, parallelism: 1 };

/**
 * Hashes a password of a test account for `accounts.password_hash`. The gateway verifies a password with the cost that its hash names. A
 * hash of the gateway takes 0.08 s of processor time, and so does each sign-in with it.
 */
export const cheapHash = (password: string): Promise<string> => hash(password, LEAST);
