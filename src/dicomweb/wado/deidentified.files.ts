import { hkdfSync } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { BASIC } from '../../dicom/deidentify/deidentification.options.js';
import { deidentifiedFile, HeldBack } from '../../dicom/deidentify/deidentified.file.js';
import type { HeldBackReason } from '../../dicom/deidentify/held.back.js';
import { Pseudonyms } from '../../dicom/deidentify/pseudonyms.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { openDictionary } from '../../dicom/dictionary.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NeighbourAway, NotAcceptable, Problem } from '../../problems/errors.js';
import { bytesAnswer, type DicomwebAnswer } from '../http/dicomweb.answer.js';
import { FileAnswers } from './file.answers.js';
import type { RecordedRead } from './read.access.js';
import { prepared } from './uncompressed.file.js';

const REASONS: Readonly<Record<HeldBackReason, string>> = {
  photograph: 'it is a photograph',
  face: 'a face can be rebuilt from it',
  'burned-in': 'it can have burned-in text',
  document: 'it is an encapsulated document',
  graphics: 'it has overlays or annotations',
  report: 'it is a report with free text',
  video: 'it is a video',
  'unknown-object': 'nobody has checked this kind of object',
};

/** Makes de-identified copies of files (PS3.15 Annex E). */
@Injectable()
export class DeidentifiedFiles {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'MASTER_KEY'>,
    private readonly files: FileAnswers,
  ) {}

  /**
   * Answers with the copy of the first instance. Its pseudonyms are those of the account that asks. Throws `NotAcceptable` when the copy is
   * held back, or when the file cannot be read or decoded.
   */
  async file(read: RecordedRead, accountId: string): Promise<DicomwebAnswer> {
    const source = await this.files.explicit(read);
    return bytesAnswer('application/dicom', await this.copy(read, source, accountId));
  }

  private async copy(read: RecordedRead, source: ArchiveBytes, accountId: string): Promise<ArchiveBytes> {
    const cleaning = {
      options: BASIC,
      pseudonyms: new Pseudonyms(this.keyOf(accountId)),
      dictionary: await openDictionary(),
    };
    const patient = { issuer: read.patientIssuer, patientId: read.patientId };
    const { transferSyntax } = read.instances[0];
    try {
      return await prepared(
        deidentifiedFile(source.stream, patient, cleaning, transferSyntax),
        source.stream,
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  private keyOf(accountId: string): Buffer {
    const master = Buffer.from(this.env.MASTER_KEY, 'base64');
    return Buffer.from(hkdfSync('sha256', master, '', `radgate pseudonyms ${accountId}`, 32));
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof HeldBack) {
    const reasons = error.reasons.map((reason) => REASONS[reason]).join(', and ');
    return new NotAcceptable(
      'held-back',
      `There is no de-identified copy of this instance, because ${reasons}.`,
    );
  }
  if (error instanceof DicomUnreadable)
    return new NotAcceptable('not-decodable', 'This file cannot be read completely, so it has no safe copy.');
  return error instanceof Problem ? error : new NeighbourAway('orthanc', { cause: error });
}
