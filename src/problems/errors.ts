import type { CodeOf, ProblemCode } from './problem.codes.js';

/**
 * An error that a client receives as a response. `code` determines the HTTP status (`PROBLEM_STATUS`), and `detail` is the text for the
 * client. `src/http/problem.filter.ts` writes the response. `message` is only for the log and contains no patient data.
 */
export abstract class Problem extends Error {
  abstract readonly code: ProblemCode;

  get detail(): string {
    return this.message;
  }
}

/** The credentials are missing, expired or wrong. The response is the same in all three cases. */
export class NotAuthenticated extends Problem {
  readonly code = 'not-authenticated';

  constructor() {
    super('Valid credentials are required. Sign in, or send a valid access token or API key.');
  }
}

/** What a client needs to prove a second factor. `challenge` identifies the sign-in, and `expires_in` is in seconds. */
export interface FactorChallenge {
  readonly challenge: string;
  readonly expires_in: number;
  readonly methods: readonly ('totp' | 'passkey' | 'recovery_code')[];
  /** Whether the account has no second factor yet and must enrol one. `methods` are then the factors that can be enrolled. */
  readonly enrol: boolean;
  /** PublicKeyCredentialRequestOptionsJSON (WebAuthn §5.5), if the account has a passkey. */
  readonly passkey?: object;
}

/** The password is right, but the account also needs a second factor. */
export class SecondFactorRequired extends Problem {
  readonly code = 'second_factor_required';

  constructor(readonly factorChallenge: FactorChallenge) {
    super(
      factorChallenge.enrol
        ? 'A group of this account requires a second factor. Enrol one with this challenge, then sign in.'
        : 'A second factor is required. Send it with this challenge to POST /api/auth/second-factor.',
    );
  }
}

/** The challenge of a sign-in is unknown, expired or used, had too many attempts, or the account has changed since. */
export class ChallengeEnded extends Problem {
  readonly code = 'challenge-ended';

  constructor() {
    super('The challenge of this sign-in has ended. Sign in with the password again.');
  }
}

/** The account does not have the required right in any scope. */
export class RightMissing extends Problem {
  readonly code = 'right-missing';

  constructor() {
    super('No group of this account grants the required right. Ask an administrator for it.');
  }
}

/** A browser request does not satisfy the protection against cross-site request forgery. */
export class ForgerySuspected extends Problem {
  constructor(
    readonly code: Exclude<CodeOf<403>, 'right-missing' | 'file-not-served'>,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The resource does not exist, or the account may not see it. Both cases get the same bytes, because a 403 would confirm that the resource
 * exists.
 */
export class NotVisible extends Problem {
  readonly code = 'not-found';

  constructor() {
    super('The resource does not exist, or this account has no access to it.');
  }
}

/** A path, query parameter or header is invalid, or the body cannot be read. */
export class BadRequest extends Problem {
  constructor(
    readonly code: CodeOf<400>,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A field of a readable body has an invalid value. The response names the `field`. */
export class BadField extends Problem {
  constructor(
    readonly code: CodeOf<422>,
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** The request conflicts with the current state. For example, a name is taken, or another request is changing the same resource. */
export class Conflict extends Problem {
  constructor(
    readonly code: CodeOf<409>,
    message: string,
  ) {
    super(message);
  }
}

/** The number of written records, and of the patients of these records. */
export interface AffectedRecords {
  readonly conditions: number;
  readonly observations: number;
  readonly patients: number;
}

/** The change would also change written records. The caller must confirm it. */
export class ConfirmationNeeded extends Problem {
  readonly code = 'confirmation-needed';

  constructor(
    readonly affected: AffectedRecords,
    how: string,
  ) {
    const { conditions, observations, patients } = affected;
    super(
      `This decision would change ${conditions} Conditions and ${observations} Observations of ${patients} patients. ${how}`,
    );
  }
}

/** The entity tag in If-Match is not the current one (RFC 9110 §13.1.1). */
export class Stale extends Problem {
  readonly code = 'resource-changed';

  constructor() {
    super('The resource has changed since it was read. Read it again and repeat the change.');
  }
}

/** The client accepts none of the available media types or transfer syntaxes. */
export class NotAcceptable extends Problem {
  constructor(
    readonly code: CodeOf<406>,
    message: string,
  ) {
    super(message);
  }
}

/** The route does not accept this media type or content encoding. */
export class UnsupportedMedia extends Problem {
  constructor(
    readonly code: CodeOf<415>,
    message: string,
  ) {
    super(message);
  }
}

/** The client must wait for `retryAfterSeconds`. */
export class TooMany extends Problem {
  constructor(
    readonly code: CodeOf<429>,
    readonly retryAfterSeconds: number,
  ) {
    super(
      code === 'too-many-sign-ins'
        ? 'Too many sign-in attempts. Wait, then try again.'
        : 'Too many requests at the same time. Wait, then try again.',
    );
  }
}

/** The disk does not have enough space for an upload. */
export class NoRoom extends Problem {
  readonly code = 'storage-full';

  constructor() {
    super('The server has no disk space for this file. Tell the operator.');
  }
}

/** A required service (PostgreSQL, Orthanc or HAPI) is unreachable. Only the log names the service. */
export class NeighbourAway extends Problem {
  readonly code = 'service-unavailable';

  constructor(
    readonly neighbour: 'orthanc' | 'postgres' | 'hapi' | 'oidc',
    options?: ErrorOptions,
  ) {
    super(`${neighbour} is away`, options);
  }

  override get detail(): string {
    return 'A needed service does not answer. Try again shortly.';
  }
}

/** The request needs a service that is not configured. The message names the missing setting. */
export class NotConfigured extends Problem {
  readonly code = 'not-configured';
}

/** Orthanc or HAPI has sent an unusable response. `what` names the call but not its content. */
export class UpstreamFailed extends Problem {
  readonly code = 'invalid-archive-response';

  constructor(
    readonly what: string,
    readonly status?: number,
  ) {
    super(`${what} failed${status === undefined ? '' : ` with ${status}`}`);
  }

  override get detail(): string {
    return 'The archive sent an unusable response. Give the operator the X-Request-Id of this response.';
  }
}
