import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { ChallengeEnded, NotAuthenticated, SecondFactorRequired } from '../../problems/errors.js';
import type { Person } from '../sign-in/login.service.js';
import { LoginThrottle } from '../sign-in/login.throttle.js';
import type { FactorEnrolment, SecondFactorProof, SignInEnrolment } from './factor.bodies.js';
import { factorNeedOf, needsFactor } from './factor.need.js';
import { FactorProofs } from './factor.proofs.js';
import { Passkeys } from './passkeys.js';
import { CHALLENGE_SECONDS, type OpenChallenge, SignInChallenges } from './sign-in.challenges.js';
import { passkeysOf, StoredFactors } from './stored.factors.js';

/** A sign-in whose second factor is right. `made.codes` is set when the sign-in has started and has enrolled the first factor. */
export interface ProvedSignIn {
  readonly person: Person;
  readonly session: boolean;
  readonly made: { codes?: string[] };
}

/** Asks for the second factor of a sign-in and checks it. */
@Injectable()
export class SecondFactors {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly challenges: SignInChallenges,
    private readonly factors: StoredFactors,
    private readonly proofs: FactorProofs,
    private readonly passkeys: Passkeys,
    private readonly throttle: LoginThrottle,
  ) {}

  /** Throws SecondFactorRequired with a new challenge if the person has a second factor, or must enrol one. */
  async demand(person: Person, session: boolean): Promise<void> {
    const need = await factorNeedOf(this.database, person.id);
    if (!needsFactor(need)) return;
    const rows = need.has ? await this.factors.list(person.id) : [];
    const options = await this.passkeys.assertion(passkeysOf(rows));
    const challenge = await this.challenges.open(person, {
      enrols: !need.has,
      session,
      passkeyChallenge: options?.challenge ?? null,
    });
    const hasTotp = !need.has || rows.some(({ kind }) => kind === 'totp');
    const hasPasskey = need.has ? options !== undefined : this.passkeys.areAvailable;
    const hasCode = need.has && (await this.factors.codesLeft(person.id)) > 0;
    throw new SecondFactorRequired({
      challenge,
      expires_in: CHALLENGE_SECONDS,
      methods: [
        ...(hasTotp ? (['totp'] as const) : []),
        ...(hasPasskey ? (['passkey'] as const) : []),
        ...(hasCode ? (['recovery_code'] as const) : []),
      ],
      enrol: !need.has,
      ...(options !== undefined && { passkey: options }),
    });
  }

  /**
   * Begins the enrolment of the first factor during a sign-in. Throws ChallengeEnded if the challenge has ended or is for an account with a
   * factor.
   */
  async enrol({ challenge, ...wish }: SignInEnrolment, address: string): Promise<FactorEnrolment> {
    const open = await this.challenges.find(challenge);
    if (!open.enrols) throw new ChallengeEnded();
    const release = this.throttle.enter(open.person.name, address);
    try {
      const enrolment = await this.factors.begin(open.person, wish);
      await this.challenges.setEnrolment(open, enrolment.id);
      return enrolment;
    } finally {
      release();
    }
  }

  /** Finds the sign-in of a challenge. Throws ChallengeEnded if the challenge has ended. */
  open(challenge: string): Promise<OpenChallenge> {
    return this.challenges.find(challenge);
  }

  /**
   * Checks the second factor of a sign-in. Throws the same NotAuthenticated for every wrong factor, ChallengeEnded after five attempts, and
   * TooMany after too many failures. The factor and the challenge are used up when the sign-in starts.
   */
  async prove(open: OpenChallenge, proof: SecondFactorProof, address: string): Promise<ProvedSignIn> {
    const { id, name } = open.person;
    const release = this.throttle.enter(name, address);
    try {
      await this.throttle.slow(name);
      await this.throttle.checkFactor(name, address, id);
      await this.challenges.attempt(open);
      const made: ProvedSignIn['made'] = {};
      const settle = open.enrols ? await this.enrolling(open, proof, made) : await this.proving(open, proof);
      if (settle === undefined) {
        await this.throttle.failedFactor(name, address, id);
        throw new NotAuthenticated();
      }
      return { person: { ...open.person, by: 'second-factor', settle }, session: open.session, made };
    } finally {
      release();
    }
  }

  private async proving(
    open: OpenChallenge,
    proof: SecondFactorProof,
  ): Promise<Person['settle'] | undefined> {
    const use = await this.proofs.check(open.person.id, proof, open.passkeyChallenge);
    if (use === undefined) return undefined;
    return async (transaction: Transaction) => {
      await this.challenges.use(transaction, open);
      if (!(await use(transaction))) throw new NotAuthenticated();
    };
  }

  private async enrolling(
    open: OpenChallenge,
    { code, registration }: SecondFactorProof,
    made: ProvedSignIn['made'],
  ): Promise<Person['settle'] | undefined> {
    const { person, enrolmentId } = open;
    const row = enrolmentId === null ? undefined : await this.factors.enrolment(person.id, enrolmentId);
    const values = row && (await this.proofs.checkEnrolment(row, { code, registration }));
    if (row === undefined || values === undefined) return undefined;
    return async (transaction: Transaction) => {
      await this.challenges.useAll(transaction, open);
      // Somebody who knows only the password must not add a factor to an account that has one by now.
      const { has } = await factorNeedOf(transaction, person.id);
      if (has) throw new ChallengeEnded();
      const { codes } = await this.factors.confirm(transaction, row, values);
      if (codes !== undefined) made.codes = codes;
    };
  }
}
