import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { isCommon } from './common.passwords.js';
import { Slots } from './slots.js';
import { newSecret } from './tokens.hash.js';

export const LEAST_CHARACTERS = 15;
const MOST_CHARACTERS = 256;

/** One password, however its accents were typed. */
const normal = (password: string) => password.normalize('NFKC');

/** A password somebody chooses: 15 characters or more and not a common one; no rules of composition (NIST SP 800-63B §3.1.1.2). */
export const NewPassword = z
  .string()
  .max(MOST_CHARACTERS)
  .transform(normal)
  .refine((password) => Array.from(password).length >= LEAST_CHARACTERS, {
    message: `A password needs at least ${LEAST_CHARACTERS} characters.`,
  })
  .refine((password) => !isCommon(password), { message: 'This password is too common.' });

/** A password somebody claims to know. */
export const ClaimedPassword = z.string().max(1024).transform(normal);

/** argon2id with 19 MiB and two passes (OWASP); one hash at a time for each of libuv's four threads. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes and checks passwords by argon2id, in bounded memory. */
@Injectable()
export class Passwords {
  private readonly slots = new Slots(4, 200);
  private readonly nobody = hash(newSecret(), COST);

  /** The hash to store of a normalised password. */
  hash(password: string): Promise<string> {
    return this.slots.run(() => hash(password, COST));
  }

  /**
   * Whether the password is the stored one. Without a stored one a hash of nobody is checked, so that it takes as long.
   * `before` runs once it is this check's turn, so that what it counts is never behind by more than the checks that run.
   */
  check(stored: string | null | undefined, password: string, before: () => Promise<void>): Promise<boolean> {
    return this.slots.run(async () => {
      await before();
      const right = await verify(stored ?? (await this.nobody), password);
      return right && typeof stored === 'string';
    });
  }
}
