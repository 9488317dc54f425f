const undefinedLength = 0xff_ff_ff_ff;

function text(group: number, element: number, vr: string, value: string): Buffer {
  const body = Buffer.from(value.length % 2 === 0 ? value : `${value}${vr === 'UI' ? '\0' : ' '}`, 'latin1');
  const head = Buffer.alloc(8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(element, 2);
  head.write(vr, 4, 'latin1');
  head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

function mark(element: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(0xfffe, 0);
  bytes.writeUInt16LE(element, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

/** A Part 10 file (Explicit VR Little Endian) with `depth` nested Content Sequences (PS3.5 §7.5). */
export function deeplyNested(depth: number): Uint8Array<ArrayBuffer> {
  const sop = ['1.2.840.10008.5.1.4.1.1.7', `1.2.826.0.1.3680043.10.1.${depth}`] as const;
  const meta = Buffer.concat([
    text(2, 2, 'UI', sop[0]),
    text(2, 3, 'UI', sop[1]),
    text(2, 0x10, 'UI', '1.2.840.10008.1.2.1'),
  ]);
  const length = Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0, 0, 0, 0, 0]);
  length.writeUInt32LE(meta.length, 8);
  const sequence = Buffer.from([0x40, 0, 0x30, 0xa7, 0x53, 0x51, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  return new Uint8Array(
    Buffer.concat([
      Buffer.alloc(128),
      Buffer.from('DICM'),
      length,
      meta,
      text(8, 0x16, 'UI', sop[0]),
      text(8, 0x18, 'UI', sop[1]),
      text(0x10, 0x20, 'LO', 'NESTED'),
      text(0x20, 0xd, 'UI', '1.2.826.0.1.3680043.10.2'),
      text(0x20, 0xe, 'UI', '1.2.826.0.1.3680043.10.3'),
      ...Array.from({ length: depth }, () => Buffer.concat([sequence, mark(0xe000, undefinedLength)])),
      ...Array.from({ length: depth }, () => Buffer.concat([mark(0xe00d, 0), mark(0xe0dd, 0)])),
    ]),
  );
}
