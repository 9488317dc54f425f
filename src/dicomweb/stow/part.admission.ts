import { Inject, Injectable } from '@nestjs/common';
import { hasRegularUids } from '../../catalog/descriptions.js';
import { CATALOG_TAGS, factsOf, IdentityMissing, type InstanceFacts } from '../../catalog/instance.facts.js';
import type { StoreRefusal, Uploader } from '../../catalog/parent.resolution.js';
import type { Admission } from '../../catalog/reservation.rows.js';
import { Reservations } from '../../catalog/reservations.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { type HeaderRead, readHeader } from '../../dicom/header/header.reader.js';
import { DeletionSync } from '../../sync/deletion.sync.service.js';
import { isAnnotation, isStorageClass } from './annotations.js';
import { type InstanceBytes, readStart } from './instance.bytes.js';
import type { AdmittedPart, PartTurn } from './part.state.js';
import { type Failure, FAILURE } from './stow.failures.js';
import { type SopIdentity, identityOf } from './stow.outcome.js';
import type { StowSender } from './stow.sender.js';

/**
 * Largest number of elements of one data set, or of items of one sequence. The archive takes quadratic time for them: 40,000 items take about
 * ten seconds.
 */
const MOST_CHILDREN = 50_000;

const REFUSED: Readonly<Record<StoreRefusal, Failure>> = {
  'not-permitted': FAILURE.notPermitted,
  identity: FAILURE.identity,
  rejected: FAILURE.rejected,
};

/**
 * Step 1 of storing a part: reads the header and a small instance to its end, authorises the instance and reserves the UIDs. No byte is
 * sent to the archive in this step.
 */
@Injectable()
export class PartAdmission {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly reservations: Reservations,
    private readonly deletions: DeletionSync,
  ) {}

  /**
   * Reads the header of `body` and decides whether the instance may be stored. Calls `identified` as soon as the UIDs of the instance are
   * known, so that the caller can name the instance in a later error. Throws `DicomUnreadable`, `IdentityMissing`.
   */
  async admit(
    body: AsyncIterable<Buffer>,
    sender: StowSender,
    turn: PartTurn,
    identified: (instance: SopIdentity | undefined) => void,
  ): Promise<AdmittedPart> {
    const file = await readHeader(body, {
      tags: CATALOG_TAGS,
      maxInflatedBytes: this.env.MAX_INSTANCE_BYTES,
      maxChildren: MOST_CHILDREN,
      references: sender.annotating !== undefined,
      onMeta: (meta) => identified(identityOf(meta)),
    });
    const facts = factsOf(file.header.attributes, file.header.transferSyntax, file.header.requests);
    // STOW refuses irregular UIDs. Instances that came by C-STORE can have such UIDs, and are served as they are stored.
    if (!hasRegularUids(facts)) throw new IdentityMissing();
    identified(facts);
    const failure = refusalOf(facts, turn.study);
    if (failure !== undefined) return { state: 'refused', facts, failure };
    const { MAX_INSTANCE_BYTES: maxBytes, KEEP_TIFF_PREAMBLE: keepsTiffPreamble } = this.env;
    const content = await readStart(file, { maxBytes, keepsTiffPreamble });
    // The next part is read while this part is stored.
    if (content.whole !== undefined) turn.bytesRead();
    const admission = await this.authorise(file, facts, content, sender, turn);
    if (admission.kind === 'known') return { state: 'known', facts, content, known: admission };
    if (admission.kind === 'reserved') return { state: 'reserved', facts, content, reservation: admission };
    return { state: 'refused', facts, failure: REFUSED[admission.why] };
  }

  /**
   * Authorises the instance by `studies:store`. If this right does not permit the instance, `studies:annotate` can. The instance must then
   * be an annotation of an existing study. The account must also be allowed to read everything that the annotation refers to. A reference
   * can point to an earlier part, so the check is repeated after all earlier parts are settled.
   */
  private async authorise(
    { references }: HeaderRead,
    facts: InstanceFacts,
    { whole }: InstanceBytes,
    { storing, annotating }: StowSender,
    { earlierSettled }: PartTurn,
  ): Promise<Admission> {
    const admission = await this.reserve(facts, storing, whole?.sha256);
    if (admission.kind !== 'refused' || admission.why !== 'not-permitted') return admission;
    if (annotating === undefined || references === undefined || !isAnnotation(facts)) return admission;
    const mayRefer =
      (await annotating.mayRead(references)) ||
      (await earlierSettled().then(() => annotating.mayRead(references)));
    return mayRefer ? this.reserve(facts, annotating.uploader, whole?.sha256) : admission;
  }

  /** Reserves the UIDs. If the catalog lists an instance that was just deleted from the archive, tries a second time. */
  private async reserve(
    facts: InstanceFacts,
    uploader: Uploader,
    sha256: Buffer | undefined,
  ): Promise<Admission> {
    const admission = await this.reservations.reserve(facts, uploader, sha256);
    if (admission.kind !== 'known' || (await this.deletions.recheck(admission.orthancId))) return admission;
    return this.reservations.reserve(facts, uploader, sha256);
  }
}

/** The reason to refuse an instance, if the reason does not depend on the sender. */
function refusalOf(facts: InstanceFacts, study: string | undefined): Failure | undefined {
  if (study !== undefined && study !== facts.studyUid) return FAILURE.otherStudy;
  return isStorageClass(facts.sopClassUid) ? undefined : FAILURE.sopClass;
}
