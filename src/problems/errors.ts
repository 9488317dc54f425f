/** What can go wrong, in the words of the house; `problem.filter.ts` says it in HTTP. */
export abstract class Problem extends Error {}

/** Nobody is known behind the request: absent, expired or wrong credentials alike. */
export class NotAuthenticated extends Problem {}

/** The account holds the needed right in no scope at all. */
export class RightMissing extends Problem {}

/** A request from a browser that cannot be told from a forged one (CSRF or Origin rule). */
export class ForgerySuspected extends Problem {}

/** The thing is not there, or is not there for this account: one answer for both. */
export class NotVisible extends Problem {}

/** A parameter, header or query value that is not what it must be. */
export class BadRequest extends Problem {}

/** A body whose field is wrong; `field` is named to the client. */
export class BadField extends Problem {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** A name is taken or a rule between things would be broken. */
export class Conflict extends Problem {}

/** The thing is no longer what the caller says it knows (If-Match, RFC 9110 §13.1.1). */
export class Stale extends Problem {}

/** No asked media type or transfer syntax can be had. */
export class NotAcceptable extends Problem {}

/** The body's media type or coding is not one this route takes. */
export class UnsupportedMedia extends Problem {}

/** The sender must wait. */
export class TooMany extends Problem {
  constructor(readonly retryAfterSeconds: number) {
    super('Too many attempts.');
  }
}

/** The disk has no room for what was sent. */
export class NoRoom extends Problem {}

/** A neighbour that is needed does not answer. Carries its name only. */
export class NeighbourAway extends Problem {
  constructor(
    readonly neighbour: 'orthanc' | 'postgres' | 'hapi' | 'oidc',
    options?: ErrorOptions,
  ) {
    super(`${neighbour} is away`, options);
  }
}

/** What is asked for needs a neighbour that this deployment does not have; the message names the setting. */
export class NotConfigured extends Problem {}

/** A neighbour answered what it should not. `what` names the call, never its content. */
export class UpstreamFailed extends Problem {
  constructor(
    readonly what: string,
    readonly status?: number,
  ) {
    super(`${what} failed${status === undefined ? '' : ` with ${status}`}`);
  }
}
