import { type DicomElement, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, type InstanceOptions, makeInstance } from '../../infra/demo/dicom.writer.ts';

/** An element of each test file. {@link markOf} finds the element, and a fault is written at its offset. */
const MARK = element('00204000', 'LT', 'MARKMARKMARKMARK');
const LAST = [element('00420010', 'ST', 'a title'), element('00420011', 'OB', Buffer.alloc(600, 5))];
/** The file meta information begins with its group length, after the preamble and the prefix (PS3.10 §7.1). */
const META = 132;
const GROUP_LENGTH = 12;

/** Files that break a rule of DICOM, by fault. The archive does not enforce these rules, so it stores and reads the files. */
export const ODD_FILES: Readonly<Record<string, (uids: InstanceOptions) => Buffer>> = {
  'sequences 70 deep': (uids) => report(uids, [deep(70)]),
  'sequences 300 deep': (uids) => report(uids, [deep(300)]),
  'a value representation of question marks': (uids) =>
    changed(uids, (head) => head.write('??', 4, 'latin1')),
  'an end of an item at the top': (uids) => inserted(uids, Buffer.from('feff0de000000000', 'hex')),
  'a group length that is too long': (uids) => withGroupLength(report(uids), 8),
  'a group length that is too short': (uids) => withGroupLength(report(uids), -8),
  'no group length, and a deflated data set': (uids) =>
    withoutGroupLength(report({ ...uids, transferSyntax: TransferSyntax.deflated })),
};

/** Files with faults. Both the gateway's reader and the archive's reader ignore these faults. */
export const FORGIVEN_FILES: typeof ODD_FILES = {
  'no group length': (uids) => withoutGroupLength(report(uids)),
  'bytes behind a deflated data set': (uids) =>
    Buffer.concat([report({ ...uids, transferSyntax: TransferSyntax.deflated }), Buffer.alloc(40, 0x41)]),
  'no preamble': (uids) => report(uids).subarray(META),
};

function report(uids: InstanceOptions, extra: readonly DicomElement[] = []): Buffer {
  return makeInstance({ ...uids, modality: 'SR', extra: [MARK, ...LAST, ...extra] });
}

function deep(levels: number): DicomElement {
  const items = [levels === 0 ? [element('00080100', 'SH', 'DEEP')] : [deep(levels - 1)]];
  return element('0040A730', 'SQ', { items });
}

/** Overwrites the tag, VR and length of an element. */
function changed(uids: InstanceOptions, write: (head: Buffer) => void): Buffer {
  const file = report(uids);
  write(file.subarray(markOf(file)));
  return file;
}

function inserted(uids: InstanceOptions, bytes: Buffer): Buffer {
  const file = report(uids);
  const at = markOf(file);
  return Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]);
}

function markOf(file: Buffer): number {
  return file.indexOf('MARKMARK') - 8;
}

function withoutGroupLength(file: Buffer): Buffer {
  return Buffer.concat([file.subarray(0, META), file.subarray(META + GROUP_LENGTH)]);
}

function withGroupLength(file: Buffer, difference: number): Buffer {
  file.writeUInt32LE(file.readUInt32LE(META + 8) + difference, META + 8);
  return file;
}
