import { encodeHead } from './data.set.recoder.js';
import { decodeMetaHead, EXPLICIT_LITTLE } from './element.decoder.js';

const GROUP_LENGTH = 0x00020000;
const TRANSFER_SYNTAX = 0x00020010;

/**
 * Returns preamble, prefix and file meta information (PS3.10 §7.1) for a converted file. The elements of `meta` are copied. Only the
 * transfer syntax and the group length are new.
 */
export function fileBeginning(meta: Buffer, transferSyntax: string): Buffer {
  const elements: Buffer[] = [];
  for (let at = 0, head = decodeMetaHead(meta, at); head !== undefined; head = decodeMetaHead(meta, at)) {
    const end = at + head.size + head.length;
    if (head.tag === TRANSFER_SYNTAX) elements.push(elementOf(head.tag, 'UI', paddedUid(transferSyntax)));
    else if (head.tag !== GROUP_LENGTH) elements.push(meta.subarray(at, end));
    at = end;
  }
  const body = Buffer.concat(elements);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), elementOf(GROUP_LENGTH, 'UL', length), body]);
}

function elementOf(tag: number, vr: string, value: Buffer): Buffer {
  return Buffer.concat([encodeHead(tag, vr, value.length, EXPLICIT_LITTLE), value]);
}

/** Pads a UID to an even length (PS3.5 §9.1). */
function paddedUid(uid: string): Buffer {
  return Buffer.from(uid.length % 2 === 0 ? uid : `${uid}\0`, 'latin1');
}
