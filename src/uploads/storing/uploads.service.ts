import { Readable } from 'node:stream';
import { Inject, Injectable, PayloadTooLargeException } from '@nestjs/common';
import type { Account } from '../../authn/account.js';
import type { Policy } from '../../authz/policy.js';
import type { InstanceFacts } from '../../catalog/instance.facts.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { PartPipeline } from '../../dicomweb/stow/part.pipeline.js';
import { FAILURE, isUnreadable, NO_SPACE } from '../../dicomweb/stow/stow.failures.js';
import type { Outcome } from '../../dicomweb/stow/stow.outcome.js';
import { StowSenders } from '../../dicomweb/stow/stow.sender.js';
import { HeldUploads } from '../../sync/held.uploads.js';
import { BadField, Conflict, NoRoom, NotVisible } from '../../problems/errors.js';
import { FileOpener, type StagedOriginal } from './file.opener.js';
import type { FileKind } from './file.kinds.js';
import { isOf, ownIdentity } from './own.identity.js';
import { StagedUploads } from './staged.uploads.js';
import { identityOfUpload } from './upload.identity.js';
import { type UploadOutcome, UploadRecords, type UploadRow } from './upload.records.js';
import { type UploadSubject, UploadSubjects } from './upload.subjects.js';
import type { UploadTarget } from './upload.target.js';

/** A received file, and who sent it. */
export interface ReceivedUpload {
  readonly id: string;
  readonly account: Account;
  readonly policy: Policy;
  readonly target: UploadTarget;
  readonly kind: FileKind;
  readonly original: StagedOriginal;
  /** Aborts when the sender closes its connection. */
  readonly signal: AbortSignal;
}

/** The row of an upload, and whether this request stored the file. */
export interface FinishedUpload {
  readonly row: UploadRow;
  readonly isNew: boolean;
}

/** Stores one uploaded file in the archive, as DICOM. The same file for the same target is stored once. */
@Injectable()
export class FileUploads {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly records: UploadRecords,
    private readonly subjects: UploadSubjects,
    private readonly opener: FileOpener,
    private readonly files: StagedUploads,
    private readonly senders: StowSenders,
    private readonly pipeline: PartPipeline,
    private readonly held: HeldUploads,
  ) {}

  /**
   * Stores a staged file. First the row reserves the UIDs, then the archive gets the instance, then the row gets the outcome. After a crash,
   * the same request finds the row and stores the same instance. The staged file is removed unless it is kept as the original. Throws
   * `NotVisible` if the account may not store there, `BadField`, `Conflict`, `NoRoom`, `TooMany`, and `NeighbourAway`.
   */
  async store(upload: ReceivedUpload): Promise<FinishedUpload> {
    const { original } = upload;
    let isKept = false;
    try {
      const finished = await this.storeStaged(upload);
      isKept = finished.row.original === original.name;
      return finished;
    } finally {
      if (!isKept) await this.files.remove(original.name);
    }
  }

  private async storeStaged(upload: ReceivedUpload): Promise<FinishedUpload> {
    const { id, account, target, kind, original } = upload;
    const { sameness, ...uids } = identityOfUpload(account.id, original.sha256, target);
    const subject = await this.subjectOf(upload, uids.studyUid);
    const made = kind === 'dicom' ? undefined : subject;
    const row = await this.records.reserve({
      id,
      accountId: account.id,
      accountName: account.name,
      listedFor: account.id,
      fileName: original.fileName,
      kind,
      bytes: original.bytes,
      sha256: original.sha256,
      sameness,
      state: 'storing',
      ...(made && {
        issuer: made.patient.issuer,
        patientId: made.patient.patientId,
        studyUid: made.study.studyUid,
        seriesUid: uids.seriesUid,
        sopUid: uids.sopUid,
      }),
    });
    if (row.sopUid !== '' && (await this.records.isInCatalog(row)))
      return { row: row.state === 'stored' ? row : await this.found(row), isNew: false };
    const outcome = await this.run(upload, row, subject).catch(async (error: unknown) => {
      const reason = error instanceof BadField || error instanceof Conflict ? error.detail : undefined;
      if (reason !== undefined) await this.records.finish(row.id, { state: 'failed', reason, notes: [] });
      throw error;
    });
    return { row: await this.records.finish(row.id, outcome), isNew: true };
  }

  /** What the file belongs to. `undefined` for a DICOM file without a target, which names its own patient and study. */
  private async subjectOf(
    { account, policy, target, kind }: ReceivedUpload,
    studyUid: string,
    now = new Date(),
  ): Promise<UploadSubject | undefined> {
    if (kind === 'dicom' && target.patient_id === undefined && target.study_uid === undefined)
      return undefined;
    const modality = target.modality ?? this.opener.modalityOf(kind);
    return this.subjects.of(account, policy, target, modality, studyUid, now);
  }

  /** An earlier request stored the instance and was interrupted before it could write the outcome. */
  private found(row: UploadRow): Promise<UploadRow> {
    return this.records.finish(row.id, { state: 'stored', notes: ['Found the stored instance.'] });
  }

  private async run(
    upload: ReceivedUpload,
    row: UploadRow,
    subject: UploadSubject | undefined,
  ): Promise<UploadOutcome> {
    const { original, kind } = upload;
    const kept = this.env.KEEP_ORIGINALS ? original.name : null;
    if (kind === 'dicom') {
      const facts = await this.readIdentity(original);
      if (subject !== undefined && !isOf(facts, subject, upload.target.study_uid === undefined))
        return this.hold(original, facts);
      const outcome = await this.send(upload, this.files.open(original.name));
      const issuer = facts.headerIssuer || this.subjects.issuerOf(upload.account, {});
      const { transferSyntax } = facts;
      return {
        ...storedOf(outcome),
        issuer,
        transferSyntax,
        original: kept,
        notes: ['Stored the file as it is.'],
      };
    }
    const made = await this.make(upload, kind, row);
    const outcome = await this.send(upload, Readable.from(made.file.pieces, { objectMode: false }));
    const { sopClassUid, transferSyntax } = made.file;
    return { ...storedOf(outcome), sopClassUid, transferSyntax, original: kept, notes: made.notes };
  }

  /** The file is not changed. It waits for an operator, who can give it to the patient. */
  private async hold(original: StagedOriginal, facts: InstanceFacts): Promise<UploadOutcome> {
    const file = this.files.open(original.name);
    await this.held.hold(facts, file).finally(() => file.destroy());
    const reason =
      'The file belongs to another patient or study than the upload says. It waits for a decision.';
    return { state: 'quarantined', reason, notes: ['Put the file into quarantine.'] };
  }

  private async readIdentity(original: StagedOriginal): Promise<InstanceFacts> {
    const file = this.files.open(original.name);
    try {
      return await ownIdentity(file, this.env.MAX_INSTANCE_BYTES);
    } finally {
      file.destroy();
    }
  }

  private async make(upload: ReceivedUpload, kind: Exclude<FileKind, 'dicom'>, row: UploadRow) {
    const { account, target, original } = upload;
    const modality = target.modality ?? this.opener.modalityOf(kind);
    // The time of the row, so that a repeated request makes the same bytes.
    const { createdAt: madeAt, studyUid, seriesUid, sopUid } = row;
    const subject = await this.subjectOf(upload, studyUid, madeAt);
    if (subject === undefined) throw new NotVisible();
    const whole = { ...subject, seriesUid, sopUid, modality, bodyPart: target.body_part ?? '', madeAt };
    const named = { ...original, fileName: row.fileName };
    const { file, notes } = await this.opener.make(kind, named, whole, account.id);
    return { file, notes: [...notes, `Made a DICOM file from the ${kind.toUpperCase()} file.`] };
  }

  private send({ account, policy, signal }: ReceivedUpload, body: Readable): Promise<Outcome> {
    const sender = this.senders.of(account, policy);
    const turn = {
      study: undefined,
      signal,
      bytesRead: () => undefined,
      earlierSettled: () => Promise.resolve(),
    };
    return this.pipeline.store(body, sender, turn).finally(() => body.destroy());
  }
}

/** The stored instance. Throws the problem of an instance that was not stored. */
function storedOf(outcome: Outcome) {
  if (outcome.stored) {
    const { studyUid, seriesUid, sopUid, sopClassUid, patientId } = outcome.instance;
    return { state: 'stored' as const, studyUid, seriesUid, sopUid, sopClassUid, patientId };
  }
  const { failure } = outcome;
  if (failure.reason === FAILURE.notPermitted.reason) throw new NotVisible();
  if (failure === NO_SPACE.tooLarge) throw new PayloadTooLargeException();
  if (failure === NO_SPACE.archiveFull) throw new NoRoom();
  if (isUnreadable(failure)) throw new BadField('unreadable-file', 'file', failure.comment);
  throw new Conflict('upload-refused', failure.comment);
}
