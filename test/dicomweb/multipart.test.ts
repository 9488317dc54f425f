import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MultipartBroken } from '../../src/dicomweb/http/multipart.broken.js';
import { readParts, type MultipartLimits } from '../../src/dicomweb/http/multipart.reader.js';
import { parseMultipartType } from '../../src/dicomweb/http/multipart.type.js';
import { longForm } from '../support/long.form.ts';

interface ReadPart {
  headers: Record<string, string>;
  body: string;
}

describe('readParts', () => {
  it('gives the parts of a body in order, wherever it is cut into two chunks', async () => {
    const sent = [
      { headers: { 'content-type': 'application/dicom' }, body: 'one\r\n--bound\r\r\n--boundar' },
      { headers: { 'content-type': 'text/plain', 'content-id': '<2>' }, body: '' },
      { headers: { a: 'b' }, body: '\r\n\r' },
    ];
    const bytes = multipart('boundary', sent);
    for (let at = 0; at <= bytes.length; at += 1) {
      const read = await readAll([bytes.subarray(0, at), bytes.subarray(at)], 'boundary');
      expect(read, `cut at ${at}`).toEqual(sent);
    }
  });

  it('gives the same parts whatever they hold and however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        boundaries,
        fc.array(parts, { minLength: 1, maxLength: 5 }),
        cuts,
        async (b, sent, sizes) => {
          fc.pre(sent.every(({ body }) => !`\r\n${body}`.includes(`\r\n--${b}`)));
          expect(await readAll(cut(multipart(b, sent), sizes), b)).toEqual(sent);
        },
      ),
      { numRuns: longForm(500, 100) },
    );
  });

  it('ends with the parts or with MultipartBroken, soon, when bytes are changed, lost or added', async () => {
    const sound = multipart('b', [
      { headers: { 'content-type': 'application/dicom' }, body: 'first body' },
      { headers: { 'content-type': 'application/dicom' }, body: '\r\n-second-\r\n' },
    ]);
    const edits = fc.array(
      fc.record({
        at: fc.nat({ max: sound.length }),
        drop: fc.nat({ max: 4 }),
        add: fc.string({ unit: fc.constantFrom('\r', '\n', '-', 'b', ':', ' ', 'ÿ'), maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(edits, cuts, async (changes, sizes) => {
        let bytes = sound;
        for (const { at, drop, add } of changes) {
          bytes = Buffer.concat([
            bytes.subarray(0, at),
            Buffer.from(add, 'latin1'),
            bytes.subarray(at + drop),
          ]);
        }
        const result = await outcome(cut(bytes, sizes), 'b');
        // The result does not depend on the chunk sizes.
        expect(result).toEqual(await outcome([bytes], 'b'));
        if (!Array.isArray(result)) expect(result.reason).toBeTypeOf('string');
        else expect(bytes.toString('latin1')).toMatch(/--b--/);
      }),
      { numRuns: longForm(2000, 400) },
    );
  });

  it('is broken at every cut before the end of the closing boundary', async () => {
    const bytes = multipart('boundary', [{ headers: { a: 'b' }, body: 'some body' }]);
    for (let length = 0; length < bytes.length - 2; length += 1) {
      expect(await outcome([bytes.subarray(0, length)], 'boundary'), `length ${length}`).toBeInstanceOf(
        MultipartBroken,
      );
    }
  });

  it.each([
    ['nothing at all', '', 'no-part'],
    ['no boundary', 'hello', 'no-part'],
    ['only the closing boundary', '--b--', 'no-part'],
    ['another boundary', '--c\r\n\r\nx\r\n--c--', 'no-part'],
    ['LF line ends', '--b\nA: b\n\nx\n--b--\n', 'line-end'],
    ['an LF after a header line', '--b\r\nA: b\n\r\nx\r\n--b--', 'line-end'],
    ['a lone CR after a boundary', '--b\rA: b\r\n\r\nx\r\n--b--', 'line-end'],
    ['a header line without colon', '--b\r\nhello\r\n\r\nx\r\n--b--', 'header'],
    ['a header name with a space', '--b\r\nA : b\r\n\r\nx\r\n--b--', 'header'],
    ['a control character in a header', '--b\r\nA: b\u0000\r\n\r\nx\r\n--b--', 'header'],
    ['a header that is there twice', '--b\r\nA: b\r\na: c\r\n\r\nx\r\n--b--', 'header'],
    ['a continuation of nothing', '--b\r\n A: b\r\n\r\nx\r\n--b--', 'header'],
    ['a header without end', `--b\r\nA: ${'b'.repeat(9000)}`, 'header'],
    ['a header block above the limit', `--b\r\n${'A'.repeat(100)}: b\r\n`.repeat(90), 'header'],
    ['a part cut off in its body', '--b\r\nA: b\r\n\r\nx', 'truncated'],
    ['a part cut off in its header', '--b\r\nA: b\r\n', 'truncated'],
    ['a boundary cut off', '--b\r\nA: b\r\n\r\nx\r\n--b', 'truncated'],
    ['a closing boundary cut off', '--b\r\nA: b\r\n\r\nx\r\n--b-', 'truncated'],
    ['a longer boundary', '--b\r\nA: b\r\n\r\nx\r\n--bc\r\n\r\n--b--', 'boundary'],
    ['text after the closing boundary', '--b\r\nA: b\r\n\r\nx\r\n--b--c', 'boundary'],
    ['a part after the closing boundary', '--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--', 'boundary'],
    ['a preamble without end', 'p'.repeat(70_000), 'too-long'],
    ['an epilogue without end', `--b\r\n\r\nx\r\n--b--\r\n${'e'.repeat(70_000)}`, 'too-long'],
    ['more parts than allowed', `${'--b\r\n\r\nx\r\n'.repeat(11)}--b--`, 'too-many-parts'],
  ])('is broken by %s', async (_, body, reason) => {
    const result = await outcome([Buffer.from(body, 'latin1')], 'b', { maxParts: 10 });
    expect(result).toMatchObject({ name: 'MultipartBroken', reason });
  });

  it('passes over a preamble, an epilogue, padding after a boundary and folded headers', async () => {
    const bytes = Buffer.from('ignore\r\nme\r\n--b \t\r\nA: b\r\n\tc \r\n\r\nx\r\n--b--\r\nand\r\nme');
    expect(await readAll([bytes], 'b')).toEqual([{ headers: { a: 'b c' }, body: 'x' }]);
  });

  it('reads a part with neither header nor body', async () => {
    expect(await readAll([Buffer.from('--b\r\n\r\n--b\r\nA: b\r\n\r\n--b--')], 'b')).toEqual([
      { headers: {}, body: '' },
      { headers: { a: 'b' }, body: '' },
    ]);
  });

  it('skips what is left of a part when the next one is asked for', async () => {
    const bytes = multipart('b', [
      { headers: { n: '1' }, body: 'x'.repeat(1000) },
      { headers: { n: '2' }, body: 'second' },
    ]);
    const seen: string[] = [];
    for await (const part of readParts(chunks(cut(bytes, [7])), 'b')) {
      seen.push(part.headers.get('n') ?? '');
      for await (const piece of part.body) {
        seen.push(piece.toString());
        break;
      }
    }
    expect(seen).toEqual(['1', 'x', '2', 's']);
  });

  it.each([
    ['at once', chunks],
    ['slowly', slow],
  ])('mixes nothing when a part is skipped during a read, bytes coming %s', async (_, source) => {
    const bytes = multipart('b', [
      { headers: { n: '1' }, body: 'xx' },
      { headers: { n: '2' }, body: 'y'.repeat(50) },
    ]);
    for (let size = 1; size < bytes.length; size += 1) {
      const iterator = readParts(source(cut(bytes, [size])), 'b');
      const first = await iterator.next();
      if (first.done === true) throw new Error('no part');
      const body = first.value.body[Symbol.asyncIterator]();
      const underWay = body.next();
      const second = await iterator.next();
      await underWay;
      if (second.done === true) throw new Error('no second part');
      expect(await text(second.value.body), `chunks of ${size}`).toBe('y'.repeat(50));
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    }
  });

  it('refuses to read a part that was skipped', async () => {
    const iterator = readParts(chunks([Buffer.from('--b\r\n\r\nx\r\n--b--')]), 'b');
    const first = await iterator.next();
    if (first.done === true) throw new Error('no part');
    await iterator.next();
    await expect(text(first.value.body)).rejects.toThrow('skipped already');
  });

  it('hands on the chunks it was given without copying or collecting them', async () => {
    const chunk = Buffer.alloc(65_536, 7);
    const source = (async function* () {
      yield Buffer.from('--b\r\nA: b\r\n\r\n');
      for (let sent = 0; sent < 4096; sent += 1) {
        if (sent % 16 === 0) await setImmediate();
        yield chunk;
      }
      yield Buffer.from('\r\n--b--');
    })();
    let bytes = 0;
    let copies = 0;
    for await (const part of readParts(source, 'b')) {
      for await (const piece of part.body) {
        bytes += piece.length;
        if (piece.buffer !== chunk.buffer) copies += 1;
      }
    }
    expect(bytes).toBe(4096 * chunk.length);
    expect(copies).toBe(0);
  });

  it('leaves the source open when the body is broken, so that an answer can be sent', async () => {
    const source = Readable.from([Buffer.from('--b\nx'), Buffer.from('y')]);
    await expect(async () => {
      for await (const part of readParts(source, 'b')) await text(part.body);
    }).rejects.toThrow(MultipartBroken);
    expect(source.destroyed).toBe(false);
  });

  it('passes on a fault of the source', async () => {
    const source = (async function* () {
      yield Buffer.from('--b\r\n\r\nx');
      await setImmediate();
      throw new Error('the client left');
    })();
    await expect(async () => {
      for await (const part of readParts(source, 'b')) await text(part.body);
    }).rejects.toThrow('the client left');
  });

  it.each(['', 'a'.repeat(71), 'a ', 'a"b', 'é', 'a\r\nb'])('refuses the boundary %j', async (boundary) => {
    expect(await outcome([Buffer.from('x')], boundary)).toMatchObject({ reason: 'boundary' });
  });
});

describe('parseMultipartType', () => {
  it.each([
    ['multipart/related; type="application/dicom"; boundary=abc', 'abc', 'application/dicom'],
    ['multipart/related; type=application/dicom; boundary=abc', 'abc', 'application/dicom'],
    ['Multipart/Related;BOUNDARY="a b";TYPE="Application/DICOM"', 'a b', 'application/dicom'],
    ['multipart/related ; boundary=----=_Part:0? ; ; start="<a\\"b>";', '----=_Part:0?', undefined],
    ['multipart/related; boundary="----=_Part:0?"; start="<a\\"b;c>"', '----=_Part:0?', undefined],
    ['multipart/related; boundary=----=_Part:0?;', '----=_Part:0?', undefined],
    ['multipart/related; boundary="a\\bc"', 'abc', undefined],
    ['multipart/related; type="application/dicom+json"; boundary=x', 'x', 'application/dicom+json'],
    ['multipart/related', undefined, undefined],
    ['multipart/related; boundary=', undefined, undefined],
    ['multipart/related; boundary=""', undefined, undefined],
    ['multipart/related; boundary="a', undefined, undefined],
    ['multipart/related; boundary=a b', undefined, undefined],
    ['multipart/related; boundary=a; boundary=b', undefined, undefined],
    [`multipart/related; boundary=${'a'.repeat(71)}`, undefined, undefined],
    ['multipart/related boundary=a', undefined, undefined],
    ['multipart/form-data; boundary=a', undefined, undefined],
    ['multipart/relatedx; boundary=a', undefined, undefined],
    ['application/dicom', undefined, undefined],
  ])('reads %s', (value, boundary, type) => {
    expect(parseMultipartType(value)).toEqual(boundary === undefined ? undefined : { boundary, type });
  });

  it('answers soon on anything', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(';', '"', '\\', '=', ' ', 'a', '/'), maxLength: 200 }),
        (tail) => {
          const parsed = parseMultipartType(`multipart/related${tail}; boundary=x`);
          if (parsed !== undefined) expect(parsed.boundary).toMatch(/^[^"\\;]{1,70}$/);
        },
      ),
      { numRuns: longForm(2000, 400) },
    );
  });
});

const parts = fc.record({
  headers: fc.dictionary(
    fc.stringMatching(/^[a-z][a-z-]{0,8}$/),
    fc.stringMatching(/^([!-~]([ -~]{0,8}[!-~])?)?$/),
    { maxKeys: 3, noNullPrototype: true },
  ),
  body: fc.oneof(
    fc.string({ unit: fc.constantFrom('\r', '\n', '-', 'b', 'a', 'ÿ', '\u0000'), maxLength: 60 }),
    fc.string({ maxLength: 40, unit: 'binary-ascii' }),
  ),
});
const boundaries = fc.oneof(
  fc.constant('b'),
  fc.constant('ab-b'),
  fc.stringMatching(/^[0-9a-zA-Z'()+_,./:=?-]{1,70}$/),
);
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

function multipart(boundary: string, sent: ReadPart[]): Buffer {
  const text = sent.map(({ headers, body }) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `--${boundary}\r\n${lines.join('')}\r\n${body}\r\n`;
  });
  return Buffer.from(`${text.join('')}--${boundary}--\r\n`, 'latin1');
}

/** Splits the bytes into chunks of these sizes. The list of sizes is repeated until all bytes are used. */
function cut(bytes: Buffer, sizes: number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

async function* chunks(pieces: Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

async function* slow(pieces: Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    await setImmediate();
    yield piece;
  }
}

async function readAll(
  pieces: Buffer[],
  boundary: string,
  limits?: Partial<MultipartLimits>,
): Promise<ReadPart[]> {
  const read: ReadPart[] = [];
  for await (const part of readParts(chunks(pieces), boundary, limits)) {
    read.push({ headers: Object.fromEntries(part.headers), body: await text(part.body) });
  }
  return read;
}

async function outcome(
  pieces: Buffer[],
  boundary: string,
  limits?: Partial<MultipartLimits>,
): Promise<ReadPart[] | MultipartBroken> {
  try {
    return await readAll(pieces, boundary, limits);
  } catch (error) {
    if (error instanceof MultipartBroken) return error;
    throw error;
  }
}

async function text(body: AsyncIterable<Buffer>): Promise<string> {
  let read = '';
  for await (const piece of body) read += piece.toString('latin1');
  return read;
}
