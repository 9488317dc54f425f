import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Slots } from '../../limits/slots.js';
import { isCommon } from './common.passwords.js';
import { newSecret } from '../tokens/tokens.hash.js';

export const LEAST_CHARACTERS = 15;
const MOST_CHARACTERS = 256;

/** Normalises a password (NFKC), so that different encodings of the same accented letters give the same text. */
const normal = (password: string) => password.normalize('NFKC');

/**
 * A new password. It must have at least 15 characters and must not be common. There are no composition rules (NIST SP 800-63B §3.1.1.2).
 */
export const NewPassword = z
  .string()
  .max(MOST_CHARACTERS)
  .transform(normal)
  .refine((password) => Array.from(password).length >= LEAST_CHARACTERS, {
    message: `A password needs at least ${LEAST_CHARACTERS} characters.`,
  })
  .refine((password) => !isCommon(password), { message: 'This password is too common.' });

/** A password that is compared with the stored hash. */
export const ClaimedPassword = z.string().max(1024).transform(normal);

/** The cost of argon2id: 19 MiB of memory and two passes, as OWASP recommends. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** The size of the thread pool of libuv. More concurrent hashes would wait in the pool with their memory already allocated. */
const MOST_RUNNING = 4;
const MOST_WAITING = 200;

/** Hashes and checks passwords with argon2id. The number of concurrent hashes is limited, so the memory use is limited too. */
@Injectable()
export class Passwords {
  private readonly slots = new Slots({ places: MOST_RUNNING, queue: MOST_WAITING });
  /** The hash of a random password. It is used for accounts without a password. */
  private readonly decoy = hash(newSecret(), COST);

  /** Returns the hash to store for a normalised password. */
  hash(password: string): Promise<string> {
    return this.slots.run(() => hash(password, COST));
  }

  /** Runs a check when fewer than {@link MOST_RUNNING} other checks run. Throws TooMany when too many checks wait. */
  inTurn(check: () => Promise<boolean>): Promise<boolean> {
    return this.slots.run(check);
  }

  /**
   * Whether the password is the stored password. Without a stored password, the password is compared with the hash of a random password
   * (`decoy`), so that the response takes the same time. Call this within {@link Passwords.inTurn}.
   */
  async matches(stored: string | null | undefined, password: string): Promise<boolean> {
    const isRight = await verify(stored ?? (await this.decoy), password);
    return isRight && typeof stored === 'string';
  }
}
