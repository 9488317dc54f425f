import { expect, it } from 'vitest';
import type { FoundInstance } from '../../src/catalog/lookup.service.js';
import { parseAccept } from '../../src/dicomweb/http/accept.js';
import { findFile } from '../../src/dicomweb/wado/file.negotiation.js';
import { OrthancId } from '../../src/orthanc/orthanc.id.js';

const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const J2K = '1.2.840.10008.1.2.4.90';
const MPEG4 = '1.2.840.10008.1.2.4.102';
const JPEG = '1.2.840.10008.1.2.4.50';

function stored(transferSyntax: string, bitsAllocated: number | undefined = 16): FoundInstance {
  const side = bitsAllocated === 0 ? undefined : 8;
  return {
    sopUid: '1.2.3',
    seriesUid: '1.2',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.7',
    transferSyntax,
    frames: bitsAllocated === 0 ? 0 : 1,
    size: 1000,
    rows: side,
    columns: side,
    bitsAllocated: bitsAllocated === 0 ? undefined : bitsAllocated,
    storedAt: new Date(0),
    orthancId: OrthancId.parse('00000000-00000000-00000000-00000000-00000000'),
    reader: 'A',
  };
}

const kinds = {
  image: stored(EXPLICIT),
  jpeg: stored(JPEG, 8),
  big: stored('1.2.840.10008.1.2.2', 32),
  bits: stored(EXPLICIT, 1),
  video: stored(MPEG4, 8),
  report: stored(IMPLICIT, 0),
} as const;
type Kind = keyof typeof kinds;

const file = (syntax?: string, q = '') =>
  `multipart/related; type="application/dicom"${syntax === undefined ? '' : `; transfer-syntax=${syntax}`}${q}`;

/** The transfer syntax of each instance in the response, or `none` for 406. */
function forms(accept: string, of: readonly Kind[]): readonly string[] | 'none' {
  const instances = of.map((kind) => kinds[kind]);
  const found = findFile(parseAccept(accept), instances, false);
  return found === undefined ? 'none' : instances.map((one) => found.into(one) ?? one.transferSyntax);
}

it.each<[accept: string, of: readonly Kind[], expected: readonly string[] | 'none']>([
  // Without a transfer syntax, an instance that cannot be Explicit VR Little Endian is sent as stored.
  [file(), ['image', 'jpeg', 'report'], [EXPLICIT, EXPLICIT, EXPLICIT]],
  [file(), ['image', 'video'], [EXPLICIT, MPEG4]],
  [file(), ['big'], ['1.2.840.10008.1.2.2']],
  // A named transfer syntax is all or nothing for pixels.
  [file(EXPLICIT), ['image', 'video'], 'none'],
  [file(EXPLICIT), ['big'], 'none'],
  [file(J2K), ['image', 'jpeg'], [J2K, J2K]],
  [file(J2K), ['image', 'video'], 'none'],
  [file(J2K), ['bits'], 'none'],
  [file(MPEG4), ['video'], [MPEG4]],
  [file(MPEG4), ['report'], 'none'],
  // A compressed transfer syntax is about pixels.
  [file(J2K), ['image', 'report'], [J2K, EXPLICIT]],
  [file(J2K), ['report'], [EXPLICIT]],
  // Each instance has the form with the highest weight, and the stored form if several have the same weight.
  [file('*'), ['image', 'video', 'report'], [EXPLICIT, MPEG4, IMPLICIT]],
  [
    `${file(J2K)}, ${file('*', '; q=0.5')}`,
    ['image', 'video', 'bits', 'report'],
    [J2K, MPEG4, EXPLICIT, EXPLICIT],
  ],
  [`${file(J2K)}, ${file(EXPLICIT)}`, ['image', 'jpeg'], [EXPLICIT, J2K]],
  [`${file(EXPLICIT, '; q=0.1')}, ${file(MPEG4)}`, ['image', 'video'], [EXPLICIT, MPEG4]],
  ['*/*', ['image', 'report'], [EXPLICIT, IMPLICIT]],
  ['application/dicom', ['image'], 'none'],
])('%s of %j', (accept, of, expected) => {
  expect(forms(accept, of)).toEqual(expected);
});
