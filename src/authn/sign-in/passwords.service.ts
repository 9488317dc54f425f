import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Slots } from '../../limits/slots.js';
import { isCommon } from './common.passwords.js';
import { newSecret } from '../tokens/tokens.hash.js';

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

/** argon2id with 19 MiB and two passes (OWASP). */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** libuv's threads; more would only wait inside it, with their memory taken. */
const AT_ONCE = 4;
const WAITING = 200;

/** Hashes and checks passwords by argon2id, in bounded memory. */
@Injectable()
export class Passwords {
  private readonly slots = new Slots({ places: AT_ONCE, queue: WAITING });
  private readonly nobody = hash(newSecret(), COST);

  /** The hash to store of a normalised password. */
  hash(password: string): Promise<string> {
    return this.slots.run(() => hash(password, COST));
  }

  /**
   * Whether the password is the stored one; without a stored one a hash of nobody is checked, so that it takes as long.
   * `attempt` runs around the check when it is its turn: what it counts is behind by no more than the checks that run.
   */
  check(
    stored: string | null | undefined,
    password: string,
    attempt: (verify: () => Promise<boolean>) => Promise<boolean>,
  ): Promise<boolean> {
    return this.slots.run(() =>
      attempt(async () => {
        const right = await verify(stored ?? (await this.nobody), password);
        return right && typeof stored === 'string';
      }),
    );
  }
}
