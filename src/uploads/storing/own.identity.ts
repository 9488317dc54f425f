import { CATALOG_TAGS, factsOf, IdentityMissing, type InstanceFacts } from '../../catalog/instance.facts.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { readHeader } from '../../dicom/header/header.reader.js';
import { failureOf } from '../../dicomweb/stow/stow.failures.js';
import { BadField } from '../../problems/errors.js';
import type { UploadSubject } from './upload.subjects.js';

/** Reads the identity of a DICOM file from its beginning. Throws `BadField` when the file cannot be read or names no patient or study. */
export async function ownIdentity(
  file: AsyncIterable<Buffer>,
  maxInflatedBytes: number,
): Promise<InstanceFacts> {
  try {
    const { header } = await readHeader(file, { tags: CATALOG_TAGS, maxInflatedBytes });
    return factsOf(header.attributes, header.transferSyntax, header.requests);
  } catch (error) {
    if (!(error instanceof DicomUnreadable) && !(error instanceof IdentityMissing)) throw error;
    throw new BadField('unreadable-file', 'file', failureOf(error)?.comment ?? 'The file cannot be read.');
  }
}

/** Whether a DICOM file belongs to this patient, and to this study unless the study is new. A file without an issuer can have any issuer. */
export function isOf(facts: InstanceFacts, { patient, study }: UploadSubject, isNewStudy: boolean): boolean {
  if (facts.patientId !== patient.patientId) return false;
  if (facts.headerIssuer !== '' && facts.headerIssuer !== patient.issuer) return false;
  return isNewStudy || facts.studyUid === study.studyUid;
}
