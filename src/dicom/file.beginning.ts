import { EXPLICIT_LITTLE } from './data.set.bytes.js';
import { headOf } from './data.set.recoder.js';
import { isShortForm } from './element.head.js';

const GROUP_LENGTH = 0x00020000;
const TRANSFER_SYNTAX = 0x00020010;

/**
 * Preamble, prefix and file meta information (PS3.10 §7.1) out of the elements of a file that was read, with another transfer syntax; all
 * else of it stays.
 */
export function fileBeginning(meta: Buffer, transferSyntax: string): Buffer {
  const elements: Buffer[] = [];
  for (let at = 0; at < meta.length;) {
    const isShort = isShortForm(meta.toString('latin1', at + 4, at + 6));
    const end = isShort ? at + 8 + meta.readUInt16LE(at + 6) : at + 12 + meta.readUInt32LE(at + 8);
    const tag = 0x00020000 + meta.readUInt16LE(at + 2);
    if (tag === TRANSFER_SYNTAX) elements.push(elementOf(tag, 'UI', padded(transferSyntax)));
    else if (tag !== GROUP_LENGTH) elements.push(meta.subarray(at, end));
    at = end;
  }
  const body = Buffer.concat(elements);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), elementOf(GROUP_LENGTH, 'UL', length), body]);
}

function elementOf(tag: number, vr: string, value: Buffer): Buffer {
  return Buffer.concat([headOf(tag, vr, value.length, EXPLICIT_LITTLE), value]);
}

/** A UID of even length (PS3.5 §9.1). */
function padded(uid: string): Buffer {
  return Buffer.from(uid.length % 2 === 0 ? uid : `${uid}\0`, 'latin1');
}
