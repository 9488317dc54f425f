import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { frameOfReference, sliceUid } from './ct.series.ts';
import { uidFor } from './dicom.elements.ts';
import { ctSlice } from './dicom.makers.ts';
import { encodeList } from './patients.file.ts';
import { COLUMNS } from './patients.list.ts';
import { HEAD, headSlice } from './phantom.ts';

const SLICE = 12;
const NAME = 'sample head';

/** Returns the sample image: one CT slice of a phantom. The demo has no study of this patient. Every run returns the same bytes. */
export function sampleImage(): Buffer {
  return ctSlice({
    study: {
      studyUid: uidFor('radgate sample study head'),
      patient: { id: 'RG-9001', name: 'Phantom^Olga', issuer: 'SAMPLE', birthDate: '19900315', sex: 'F' },
      date: '20260201',
      description: 'CT Head (sample)',
      accessionNumber: 'RG-A-9001',
      institution: 'North Clinic',
    },
    seriesUid: uidFor('radgate sample series head'),
    sopUid: sliceUid(NAME, SLICE),
    frameOfReferenceUid: frameOfReference(NAME),
    seriesDescription: 'Head 5 mm',
    bodyPart: 'HEAD',
    geometry: HEAD,
    window: { center: 40, width: 80 },
    signed: true,
    index: SLICE,
    pixels: headSlice(SLICE),
  });
}

/**
 * Returns the sample list of four invented people. One row has an invalid date. Another row has a word that needs a decision in the review
 * inbox.
 */
export function sampleList(): Buffer {
  const rows = [
    ['Ana Exemplo', '555.000.001-10', 'Feminino', '05/06/1970', '(11) 3333-4444', 'Brasil', 'Hipertenso'],
    ['Bruno Exemplo', '555.000.002-10', 'Masculino', '17/11/1983', '(21) 3333-4444', 'Brasil', ''],
    ['Carla Exemplo', '555.000.003-10', 'Feminino', '31/02/1980', '(31) 3333-4444', 'Brasil', ''],
    ['Davi Exemplo', '555.000.004-10', 'Masculino', '09/09/1962', '(41) 3333-4444', 'Brasil', 'Gastrite'],
  ];
  return encodeList([COLUMNS, ...rows], { encoding: 'utf-8', delimiter: ',', newline: '\n' });
}

/** The folder of the sample files that README.md uses. */
export const SAMPLES = join(import.meta.dirname, '../../docs/samples');

if (import.meta.main) {
  await mkdir(SAMPLES, { recursive: true });
  await writeFile(join(SAMPLES, 'image.dcm'), sampleImage());
  await writeFile(join(SAMPLES, 'patients.csv'), sampleList());
}
