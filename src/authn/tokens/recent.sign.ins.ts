import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { Changes } from '../../database/changes.js';
import { RecentReads } from '../../database/recent.reads.js';
import type { SignIn } from '../sign-in/sign.in.js';

/** Largest number of sign-ins in memory. */
const MAX_RECENT = 10_000;

type Credential = readonly [authorization: string | undefined, cookie: string | undefined, address: string];

/**
 * The sign-ins of credentials that were verified in the last four seconds. Only the hash of a credential is kept. A sign-in depends on the
 * client's address, because an API key can be limited to address ranges.
 */
@Injectable()
export class RecentSignIns {
  private readonly memory = new RecentReads<SignIn>(MAX_RECENT);

  constructor(@Inject(Changes) changes: Pick<Changes, 'on'>) {
    changes.on(({ of }) => {
      if (of !== 'study') this.memory.clear();
    });
  }

  /** The sign-in of the value of `Authorization`, or of a session cookie. */
  get(...credential: Credential): SignIn | undefined {
    return this.memory.get(keyOf(credential));
  }

  /** Must be called before the verification of a credential begins. Returns a function that keeps the verified sign-in. */
  begin(): (...verified: readonly [...Credential, SignIn]) => void {
    const keep = this.memory.begin();
    return (authorization, cookie, address, signIn) =>
      keep(keyOf([authorization, cookie, address]), signIn, validMs(authorization));
  }
}

function keyOf(credential: Credential): string {
  return createHash('sha256').update(JSON.stringify(credential)).digest('base64');
}

/** The time until an access token expires, in milliseconds. The result is `undefined` for other credentials. */
function validMs(authorization: string | undefined): number | undefined {
  const token = authorization?.slice(authorization.lastIndexOf(' ') + 1) ?? '';
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? undefined : exp * 1000 - Date.now();
  } catch {
    return undefined;
  }
}
