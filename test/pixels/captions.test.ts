import { Readable } from 'node:stream';
import { array, assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { readElements } from '../../src/pixels/image.header.js';
import { CAPTIONS, captionsOf, drawCaptions } from '../../src/pixels/marks/captions.js';
import { latinText } from '../../src/pixels/marks/latin.text.js';
import type { Canvas } from '../../src/pixels/marks/canvas.js';
import { brokenLines, drawText } from '../../src/pixels/marks/text.drawing.js';
import { testFile } from './rendering.ts';

const both = new Set(['patient', 'technique']);

/** The captions of an image with these elements. */
async function captions(extra: readonly DicomElement[], asked = both, frames = 1) {
  const file = testFile({ bytes: Buffer.of(0, 1), extra });
  const { values } = await readElements(Readable.from([file]), CAPTIONS);
  return captionsOf(values, 1, frames, asked);
}

const name = (text: string | Buffer) => element('00100010', 'PN', text);

const blank = (width: number, height: number, value = 100): Canvas => ({
  width,
  height,
  channels: 1,
  samples: new Uint8Array(width * height).fill(value),
});

/** The white pixels of a text in a picture of its size. */
function drawing(text: string): string {
  const canvas = blank(text.length * 6 + 2, 14);
  drawText(canvas, text, 1, 1, 1);
  return canvas.samples.map((sample) => (sample === 255 ? 1 : 0)).join('');
}

describe('the texts of a picture', () => {
  const utf8 = element('00080005', 'CS', 'ISO_IR 192');

  it('say who the patient is and how the image was made', async () => {
    const extra = [
      utf8,
      name('Müller^Zoë^^Dr.'),
      element('00100020', 'LO', 'A-1'),
      element('00100030', 'DA', '19700102'),
      element('00100040', 'CS', 'F'),
      element('00080020', 'DA', '20260203'),
      element('00080030', 'TM', '142530.12'),
      element('00081030', 'LO', 'Thorax'),
      element('0008103E', 'LO', 'axial'),
      element('00080060', 'CS', 'CT'),
      element('00080080', 'LO', 'Clinic'),
      element('00200011', 'IS', '3'),
      element('00200013', 'IS', '7'),
      element('00201041', 'DS', '-12.5'),
      element('00282110', 'CS', '01'),
    ];
    expect(await captions(extra, both, 4)).toEqual({
      patient: ['Müller, Dr. Zoë', 'ID A-1', '1970-01-02 F'],
      technique: [
        'Clinic',
        '2026-02-03 14:25 Thorax',
        'CT Series 3 axial',
        'Image 7 Frame 1/4',
        'Slice location -12.5',
        'Lossy compression',
      ],
    });
    expect((await captions(extra, new Set(['technique']))).patient).toEqual([]);
    expect((await captions(extra, new Set(['patient']))).technique).toEqual([]);
  });

  it.each([
    ['Latin-1', 'ISO_IR 100', Buffer.from('M\xfcller', 'latin1'), 'Müller'],
    ['UTF-8', 'ISO_IR 192', Buffer.from('Müller'), 'Müller'],
    ['Cyrillic', 'ISO_IR 144', Buffer.from([0xb8, 0xd2, 0xd0, 0xdd]), 'Иван'],
    [
      'the letters of three scripts',
      '\\ISO 2022 IR 87',
      Buffer.from('Yamada^Tarou=\x1b$B;3ED\x1b(B'),
      'Yamada, Tarou',
    ],
    ['ideographs alone', 'ISO_IR 192', Buffer.from('=山田^太郎'), '山田, 太郎'],
  ])('are read in their character set: %s', async (_, set, bytes, expected) => {
    const { patient } = await captions([element('00080005', 'CS', set), name(bytes)]);
    expect(patient[0]).toBe(expected);
  });

  it.each([
    ['Müller Zoë', 'Mu\u0308ller Zoe\u0308'],
    ['Łukasz Æsir Straße', 'Lukasz AEsir Strasse'.replace('AE', 'Ae')],
    ['Щербаков Алексей Ёлкин', 'Shcherbakov Aleksei Elkin'],
    ['Νίκος Ωνάσης', 'Nikos Onasis'],
    ['a\u202Eb\tc\0d', 'a b c d'],
    ['山田', '山田'],
  ])('are written in Latin letters: %s', (text, expected) => {
    expect(latinText(text)).toBe(expected);
  });

  it('have a different drawing for each letter and each mark', () => {
    const ascii = Array.from({ length: 94 }, (_, at) => String.fromCodePoint(at + 0x21));
    const marked = Array.from('àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćčďęěğįłńňőřśšşťţůűźżž'.replace('ł', ''));
    const all = [...ascii, ...marked, ...marked.map((letter) => letter.toUpperCase()), '山'];
    // Ÿ and Ü are drawn in the same cell, so the width of the drawing is equal for all letters.
    expect(new Set(all.filter((letter) => letter.length === 1).map(drawing)).size).toBe(
      new Set(all.filter((letter) => letter.length === 1)).size,
    );
  });

  it('are white with a black edge, and stay inside of the picture', () => {
    const canvas = blank(8, 12);
    drawText(canvas, 'I', 1, 0, 1);
    const rows = Array.from({ length: 12 }, (_, row) => [...canvas.samples.subarray(row * 8, row * 8 + 8)]);
    // Above the middle, the letter I is one pixel wide.
    expect(rows[6]).toEqual([100, 100, 0, 255, 0, 100, 100, 100]);
    const texts = array(string({ unit: 'binary', maxLength: 40 }), { maxLength: 6 });
    const sides = integer({ min: 1, max: 90 });
    assert(
      property(
        texts,
        texts,
        sides,
        sides,
        constantFrom(1 as const, 3 as const),
        (patient, technique, width, height, channels) => {
          const guarded = new Uint8Array(width * height * channels + 16).fill(7);
          const samples = guarded.subarray(8, 8 + width * height * channels);
          drawCaptions({ width, height, channels, samples }, { patient, technique });
          expect([...guarded.subarray(0, 8), ...guarded.subarray(8 + samples.length)]).toEqual(
            Array(16).fill(7),
          );
        },
      ),
    );
  });

  it('are broken into lines, and cut when they are longer than valid values', async () => {
    expect(brokenLines(['abcdefg', 'Zoë', ''], 3)).toEqual(['abc', 'def', 'g', 'Zoe\u0308']);
    const { patient } = await captions([element('00100020', 'LO', 'x'.repeat(60_000))]);
    expect(Math.max(...patient.map((text) => text.length))).toBeLessThanOrEqual(131);
  });
});
