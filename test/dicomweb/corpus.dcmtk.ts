import type { CorpusFile } from '../support/corpus.ts';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { byDcmtk } from './dcmtk.programs.ts';
import { freshUids, nativeFile, pixels } from './wado.encodings.ts';

/** Options of the programs that rewrite an image in another transfer syntax or form. */
const rewritten: readonly (readonly [program: string, ...options: string[]])[] = [
  ...['+te', '+ti', '+tb', '+td'].map((syntax) => ['dcmconv', syntax] as const),
  // Sequences and items of undefined length, group lengths, padding after the data set.
  ['dcmconv', '+te', '-e', '+g'],
  ['dcmconv', '+ti', '-e'],
  ['dcmconv', '+te', '+p', '512', '64'],
  ...['+eb', '+ee', '+es', '+ep', '+el', '+e1'].map((process) => ['dcmcjpeg', process] as const),
  ['dcmcjpeg', '+eb', '+s2', '+n2'],
  ...['+el', '+en'].map((process) => ['dcmcjpls', process] as const),
  ['dcmcjpls', '+el', '+il'],
  ['dcmcrle'],
  ['dcmquant'],
  ['dcmscale', '+Sxf', '0.5'],
];
/** Options of `img2dcm` for several SOP classes. The program does not change the JPEG stream. */
const pictured = [[], ['-vlp'], ['-nsc']];

/**
 * Files written by the programs of DCMTK. DCMTK itself contains no DICOM files. (The source of version 3.6.9 has only two dumps, which are
 * templates for `img2dcm`.) Each file is a separate study.
 */
export async function madeByDcmtk(): Promise<CorpusFile[]> {
  const image = nativeFile(
    { ...pixels.rgb, frames: 1, bytes: pixels.rgb.bytes.subarray(0, 3465) },
    freshUids(freshUid()),
  );
  const [jpeg, bitmap] = [await byDcmtk('dcm2img', ['+oj'], image), await byDcmtk('dcm2img', ['+ob'], image)];
  const made: CorpusFile[] = [];
  const add = async (program: string, options: readonly string[], from: Buffer | string) => {
    made.push({
      name: ['dcmtk', program, ...options].join('/'),
      bytes: await byDcmtk(program, options, from),
    });
  };
  for (const options of pictured) await add('img2dcm', options, jpeg);
  for (const [program, ...options] of rewritten)
    await add(program, options, await byDcmtk('img2dcm', ['-i', 'BMP'], bitmap));
  await add('pdf2dcm', [], '%PDF-1.4\n%%EOF\n');
  await add(
    'cda2dcm',
    [],
    '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Letter</title></ClinicalDocument>',
  );
  await add('stl2dcm', [], triangle());
  return made;
}

/** A binary STL of one triangle. */
function triangle(): Buffer {
  const bytes = Buffer.alloc(84 + 50);
  bytes.writeUInt32LE(1, 80);
  [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0].forEach((value, at) => bytes.writeFloatLE(value, 84 + at * 4));
  return bytes;
}
