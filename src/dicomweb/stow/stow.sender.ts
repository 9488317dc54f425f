import { Inject, Injectable } from '@nestjs/common';
import type { Account } from '../../authn/account.js';
import { allows, holds, type Policy, type StudyFacts } from '../../authz/policy.js';
import type { Uploader } from '../../catalog/parent.resolution.js';
import { ReferenceAccess } from '../../catalog/reference.access.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import type { References } from '../../dicom/header/header.references.js';

/** The account that sends, with the two rights that can permit an instance. */
export interface StowSender {
  /** Checks a study against the grants of `studies:store`. */
  readonly storing: Uploader;
  /** Checks a study against the grants of `studies:annotate`. `undefined` when no grant contains this right. */
  readonly annotating: Annotator | undefined;
}

/** The right to add annotations to existing studies. */
interface Annotator {
  readonly uploader: Uploader;
  /** Whether the account may read everything that an annotation refers to. */
  readonly mayRead: (references: References) => Promise<boolean>;
}

/** Builds the sender of a STOW request from its account and policy. */
@Injectable()
export class StowSenders {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly references: ReferenceAccess,
  ) {}

  of(account: Account, policy: Policy): StowSender {
    const storing = {
      accountId: account.id,
      institution: account.institution,
      issuer: account.issuer,
      defaultIssuer: this.env.DEFAULT_ISSUER,
      permits: (study: StudyFacts) => allows(policy, 'studies:store', study),
      sees: (study: StudyFacts) =>
        allows(policy, 'studies:read', study) || allows(policy, 'studies:store', study),
    };
    if (!holds(policy, 'studies:annotate')) return { storing, annotating: undefined };
    const permits = (study: StudyFacts) =>
      allows(policy, 'studies:annotate', study) && allows(policy, 'studies:read', study);
    const mayRead = (references: References) => this.references.all(policy, references);
    return { storing, annotating: { uploader: { ...storing, permits, existingOnly: true }, mayRead } };
  }
}
