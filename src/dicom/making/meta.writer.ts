import { encodeElement, encodeNumber } from '../media/directory.values.js';

/** What the file meta information of a new file says. */
export interface NewFileMeta {
  readonly sopClassUid: string;
  readonly sopUid: string;
  readonly transferSyntax: string;
}

/** The preamble, the prefix and the file meta information of a new file (PS3.10 §7.1). */
export function encodeFileMeta({ sopClassUid, sopUid, transferSyntax }: NewFileMeta): Buffer {
  const elements = Buffer.concat([
    encodeElement(0x00020001, 'OB', Buffer.from([0, 1])),
    encodeElement(0x00020002, 'UI', sopClassUid),
    encodeElement(0x00020003, 'UI', sopUid),
    encodeElement(0x00020010, 'UI', transferSyntax),
    encodeElement(0x00020012, 'UI', '2.25.302043390172249692526321623266752743501'),
    encodeElement(0x00020013, 'SH', 'RADGATE'),
  ]);
  const length = encodeNumber(0x00020000, 'UL', elements.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, elements]);
}
