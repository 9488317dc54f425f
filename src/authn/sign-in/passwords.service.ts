import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Slots } from '../../limits/slots.js';
import { isCommon } from './common.passwords.js';
import { newSecret } from '../tokens/tokens.hash.js';

export const LEAST_CHARACTERS = 15;
const MOST_CHARACTERS = 256;

/** The same text for the same password, whatever way its accents were typed (NFKC). */
const normal = (password: string) => password.normalize('NFKC');

/** A new password: 15 characters or more and not a common one; no composition rules (NIST SP 800-63B §3.1.1.2). */
export const NewPassword = z
  .string()
  .max(MOST_CHARACTERS)
  .transform(normal)
  .refine((password) => Array.from(password).length >= LEAST_CHARACTERS, {
    message: `A password needs at least ${LEAST_CHARACTERS} characters.`,
  })
  .refine((password) => !isCommon(password), { message: 'This password is too common.' });

/** A password to check against a stored one. */
export const ClaimedPassword = z.string().max(1024).transform(normal);

/** argon2id with 19 MiB and two passes (OWASP). */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** The size of libuv's thread pool; more hashes would wait there, with their memory allocated. */
const MOST_RUNNING = 4;
const MOST_WAITING = 200;

/** Hashes and checks passwords by argon2id, in bounded memory. */
@Injectable()
export class Passwords {
  private readonly slots = new Slots({ places: MOST_RUNNING, queue: MOST_WAITING });
  /** The hash of an unknown password, for accounts without one. */
  private readonly decoy = hash(newSecret(), COST);

  /** The hash to store of a normalised password. */
  hash(password: string): Promise<string> {
    return this.slots.run(() => hash(password, COST));
  }

  /** Runs a check when fewer than {@link MOST_RUNNING} others run; TooMany when too many wait. */
  inTurn(check: () => Promise<boolean>): Promise<boolean> {
    return this.slots.run(check);
  }

  /**
   * Whether the password is the stored one. Without a stored one the decoy is checked, so that the answer takes as long. Call it within
   * {@link Passwords.inTurn}.
   */
  async matches(stored: string | null | undefined, password: string): Promise<boolean> {
    const isRight = await verify(stored ?? (await this.decoy), password);
    return isRight && typeof stored === 'string';
  }
}
