import { Readable } from 'node:stream';
import { assert, double, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { element } from '../../infra/demo/dicom.writer.ts';
import { frameDelay } from '../../src/pixels/frame.delays.js';
import { readImageHeader } from '../../src/pixels/image.header.js';
import { pixelAspect } from '../../src/pixels/pixel.aspect.js';
import { encodeAnimation, encodePicture } from '../../src/pixels/picture.encoder.js';
import { pictureGeometry, type SourceRegion } from '../../src/pixels/viewport.js';
import { pictureSamples, pictureSize } from './encoded.pictures.ts';
import { testFile } from './rendering.ts';

const spacing = (text: string) => element('00280030', 'DS', text);
const image = { width: 40, height: 20 };
const region = (left: number, top: number, width?: number, height?: number): SourceRegion => ({
  left,
  top,
  width,
  height,
});

describe('the geometry of a picture', () => {
  it.each([
    ['scales up', image, 1, [80, 80], [80, 40]],
    ['scales down', image, 1, [10, 10], [10, 5]],
    ['is limited by the height', image, 1, [100, 10], [20, 10]],
    ['keeps one pixel of a narrow image', { width: 1, height: 5000 }, 1, [128, 128], [1, 128]],
    ['makes high pixels square', image, 2, [40, 40], [40, 40]],
    ['makes wide pixels square', image, 0.5, [40, 40], [40, 10]],
  ] as const)('%s', (_, size, aspect, [width, height], expected) => {
    const found = pictureGeometry(size, aspect, { width, height });
    expect([found?.size.width, found?.size.height]).toEqual(expected);
  });

  it('without a viewport is the image, whatever the shape of its pixels', () => {
    const whole = { left: 0, top: 0, ...image };
    expect(pictureGeometry(image, 3, undefined)).toEqual({
      region: whole,
      size: image,
      isMirrored: false,
      isUpsideDown: false,
    });
  });

  it.each([
    ['to the edges', region(10, 5), [10, 5, 30, 15], false, false],
    ['of a width', region(10, 5, 8), [10, 5, 8, 15], false, false],
    ['of a height', region(10, 5, undefined, 7), [10, 5, 30, 7], false, false],
    ['mirrored', region(0, 0, -8, 4), [0, 0, 8, 4], true, false],
    ['upside down', region(1, 2, 8, -4), [1, 2, 8, 4], false, true],
    ['turned', region(1, 2, -8, -4), [1, 2, 8, 4], true, true],
    ['between pixels', region(1.5, 2.25, 2, 1.75), [1, 2, 3, 2], false, false],
    ['beyond the edges', region(35, 18, 100, 100), [35, 18, 5, 2], false, false],
  ] as const)('shows a region %s', (_, source, [left, top, width, height], isMirrored, isUpsideDown) => {
    const found = pictureGeometry(image, 1, { width: 64, height: 64, source });
    expect(found).toMatchObject({ region: { left, top, width, height }, isMirrored, isUpsideDown });
  });

  it.each([
    ['a half', [0.5, 0, 1, 0.5], [20, 0, 20, 10]],
    ['all', [0, 0, 1, 1], [0, 0, 40, 20]],
    ['tenths that are not exact', [0.1, 0.3, 0.7, 0.9], [4, 6, 24, 12]],
    ['parts of pixels', [0.26, 0.51, 0.27, 0.52], [10, 10, 1, 1]],
  ] as const)('shows %s of the image', (_, [left, top, right, bottom], [x, y, width, height]) => {
    const part = { left, top, right, bottom };
    const cut = { left: x, top: y, width, height };
    expect(pictureGeometry(image, 1, { part })).toMatchObject({ region: cut, size: { width, height } });
    expect(pictureGeometry(image, 1, { width: 80, height: 80, part })?.region).toEqual(cut);
  });

  it.each([region(40, 0), region(0, 20), region(99, 99, -4, -4)])('has no region outside: %o', (source) => {
    expect(pictureGeometry(image, 1, { width: 64, height: 64, source })).toBeUndefined();
  });

  it('fits into each viewport and touches one of its sides', () => {
    const side = integer({ min: 1, max: 4096 });
    const aspects = double({ min: 1 / 32, max: 32, noNaN: true });
    assert(
      property(side, side, side, side, aspects, (width, height, across, down, aspect) => {
        const found = pictureGeometry({ width, height }, aspect, { width: across, height: down });
        const size = found?.size ?? { width: 0, height: 0 };
        expect(size.width <= across && size.height <= down).toBe(true);
        expect(size.width === across || size.height === down).toBe(true);
      }),
    );
  });
});

describe('the shape of a pixel', () => {
  const measures = (text: string) => ({
    tag: '00289110',
    vr: 'SQ',
    value: { items: [[spacing(text)]] },
  });
  const group = (tag: string, ...texts: string[]) => ({
    tag,
    vr: 'SQ',
    value: { items: texts.map((text) => [measures(text)]) },
  });
  const ratio = element('00280034', 'IS', '3\\2');

  it.each([
    ['is square without a statement', [], 1],
    ['follows Pixel Spacing before Pixel Aspect Ratio', [spacing('0.5\\0.25'), ratio], 2],
    ['follows Imager Pixel Spacing', [element('00181164', 'DS', '0.1\\0.4')], 0.25],
    ['follows Nominal Scanned Pixel Spacing', [element('00182010', 'DS', '0.3\\0.2 ')], 1.5],
    ['follows Pixel Aspect Ratio', [ratio], 1.5],
    [
      'follows the group of the frame before the shared group',
      [group('52009230', '1\\1', '4\\1'), group('52009229', '2\\1')],
      4,
    ],
    ['follows the shared group', [group('52009229', '2\\1'), spacing('1\\1')], 2],
    ['ignores one number', [spacing('0.5'), ratio], 1.5],
    ['ignores 0', [spacing('0\\0.5')], 1],
    ['ignores text', [spacing('a\\b')], 1],
    ['ignores a ratio that no detector has', [spacing('1\\1000')], 1],
  ] as const)('%s', async (_, extra, expected) => {
    const file = testFile({ bytes: Buffer.alloc(2), frames: 2, extra });
    const { values } = await readImageHeader(Readable.from([file], { objectMode: true }));
    expect(pixelAspect(values, 2)).toBeCloseTo(expected, 10);
  });
});

describe('a picture of a region', () => {
  const samples = Uint8Array.from({ length: 800 }, (_, at) => (at * 7) % 256);
  const frame = { ...image, channels: 1, samples } as const;

  it.each([
    [3, 2],
    [-3, 2],
    [3, -2],
    [-3, -2],
  ])('has exactly its pixels, with width %i and height %i', async (width, height) => {
    const geometry = pictureGeometry(image, 1, { width: 3, height: 2, source: region(7, 4, width, height) });
    const png = geometry && (await encodePicture(frame, geometry, { type: 'image/png' }));
    const columns = width < 0 ? [9, 8, 7] : [7, 8, 9];
    const rows = height < 0 ? [5, 4] : [4, 5];
    const expected = rows.flatMap((y) => columns.map((x) => samples[y * 40 + x]));
    expect(pictureSize(png ?? Buffer.alloc(0))).toEqual([3, 2]);
    expect([...pictureSamples(png ?? Buffer.alloc(0))]).toEqual(expected);
  });
});

describe('an animation', () => {
  const pictures = [1, 2, 3].map((seed) => ({
    width: 40,
    height: 20,
    channels: 1 as const,
    samples: Buffer.from(Uint8Array.from({ length: 800 }, (_, at) => (at * seed) % 256)),
  }));

  it('as GIF has each frame with its delay, and repeats', async () => {
    const gif = await encodeAnimation(pictures, [100, 40, 250], { type: 'image/gif' });
    expect([gif.toString('latin1', 0, 6), gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual([
      'GIF89a',
      40,
      20,
    ]);
    const extension = Buffer.from('21f904', 'hex');
    const delays: number[] = [];
    for (let at = gif.indexOf(extension); at >= 0; at = gif.indexOf(extension, at + 1))
      delays.push(gif.readUInt16LE(at + 4) * 10);
    expect(delays).toEqual([100, 40, 250]);
    expect(gif.includes('NETSCAPE2.0')).toBe(true);
  });

  it('as WebP has each frame', async () => {
    const webp = await encodeAnimation(pictures, [100, 40, 250], { type: 'image/webp' });
    expect(webp.toString('latin1', 8, 12)).toBe('WEBP');
    expect(webp.toString('latin1').split('ANMF')).toHaveLength(4);
  });

  it.each([
    [
      'Recommended Display Frame Rate first',
      [element('00082144', 'IS', '25'), element('00181063', 'DS', '70')],
      40,
    ],
    ['Frame Time Vector', [element('00181065', 'DS', '0\\30\\90'), element('00181063', 'DS', '70')], 90],
    ['the last entry of a short vector', [element('00181065', 'DS', '0\\30')], 30],
    ['Frame Time', [element('00181063', 'DS', '66.7 ')], 67],
    ['Cine Rate', [element('00180040', 'IS', '10')], 100],
    ['the shortest delay that browsers have', [element('00181063', 'DS', '0.1')], 20],
    ['a minute at most', [element('00181063', 'DS', '1e9')], 60_000],
    [
      '100 ms without a valid statement',
      [element('00181063', 'DS', 'x'), element('00180040', 'IS', '0')],
      100,
    ],
  ] as const)('shows a frame by %s', async (_, extra, expected) => {
    const file = testFile({ bytes: Buffer.alloc(4), frames: 4, extra });
    const { values } = await readImageHeader(Readable.from([file], { objectMode: true }));
    expect(frameDelay(values, 2)).toBe(expected);
  });
});
