import { encodeHead } from '../data.set.recoder.js';
import { EXPLICIT_LITTLE } from '../element.decoder.js';
import { encodeFileMeta } from './meta.writer.js';
import { encodeElements, long, type MadeElement } from './new.elements.js';
import type { NewFile } from './new.file.js';
import { dicomTime, type NewSubject, subjectElements } from './new.subject.js';

/** The content of a new encapsulated document. `length`: its size in bytes. */
export interface NewDocument {
  readonly title: string;
  readonly length: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const ENCAPSULATED_PDF = '1.2.840.10008.5.1.4.1.1.104.1';
const EXPLICIT = '1.2.840.10008.1.2.1';
const ENCAPSULATED_DOCUMENT = 0x00420011;

/** Makes an Encapsulated PDF (PS3.3 §A.45.1). The document is not kept in memory. */
export function newPdf(subject: NewSubject, document: NewDocument): NewFile {
  const { date, time } = dicomTime(subject.madeAt);
  const before: MadeElement[] = [
    ...subjectElements(subject, ENCAPSULATED_PDF),
    [0x0008002a, 'DT', `${date}${time}+0000`],
    // Conversion Type: the document was made by another program.
    [0x00080064, 'CS', 'WSD'],
    // The text of a document can name the patient.
    [0x00280301, 'CS', 'YES'],
    [0x0040a043, 'SQ', []],
    [0x00420010, 'ST', document.title],
  ];
  const after: MadeElement[] = [
    [0x00420012, 'LO', 'application/pdf'],
    [0x00420015, 'UL', long(document.length)],
  ];
  const meta = { sopClassUid: ENCAPSULATED_PDF, sopUid: subject.sopUid, transferSyntax: EXPLICIT };
  const start = Buffer.concat([encodeFileMeta(meta), encodeElements(before)]);
  const pieces = piecesOf(start, document, encodeElements(after));
  return { sopClassUid: ENCAPSULATED_PDF, transferSyntax: EXPLICIT, pieces };
}

async function* piecesOf(
  start: Buffer,
  { length, content }: NewDocument,
  end: Buffer,
): AsyncGenerator<Uint8Array> {
  const padding = Buffer.alloc(length % 2);
  yield start;
  yield encodeHead(ENCAPSULATED_DOCUMENT, 'OB', length + padding.length, EXPLICIT_LITTLE);
  yield* content;
  yield padding;
  yield end;
}
