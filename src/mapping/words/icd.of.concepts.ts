/**
 * The ICD-10 codes that can stand beside a shipped concept of SNOMED CT. A code fits if it begins with one of the codes. Manifestations
 * (`H36.0` diabetic retinopathy), complications and pregnancy fit. A history (`Z83.3`) is not the disease, so it does not fit.
 */
const CODES: Readonly<Record<string, string>> = {
  // Diabetes, type 2, type 1, gestational.
  '73211009': 'E08 E09 E10 E11 E12 E13 E14 O24 P70 G590 G632 G730 G990 H280 H360 I792 M142 M146 N083 T383',
  '44054006': 'E11 E12 E13 E14 O24 G590 G632 G730 G990 H280 H360 I792 M142 M146 N083',
  '46635009': 'E10 E12 E14 O24 G590 G632 G730 G990 H280 H360 I792 M142 M146 N083',
  '11687002': 'O24',
  // Hypertension, asthma, COPD, heart failure, congestive heart failure, infarction of the heart, stroke.
  '38341003': 'I10 I11 I12 I13 I15 I16 I1A O10 O11 O13 O14 O15 O16 H350 I674',
  '195967001': 'J45 J46 J44 J82',
  '13645005': 'J40 J41 J42 J43 J44 J47',
  '84114007': 'I50 I11 I13 I09 I42 I43 I97 P290',
  '42343007': 'I50 I11 I13 I09 I42 I43 I97 P290',
  '22298006': 'I21 I22 I23 I24 I25 I51',
  '230690007': 'I60 I61 I62 I63 I64 I67 I69 G45 G46 G81',
  // Raised lipids, thyroid, obesity.
  '55822004': 'E78',
  '13644009': 'E78',
  '40930008': 'E00 E01 E02 E03 E06 E23 E89 O90',
  '34486009': 'E05 E06 E07 O90',
  '414916001': 'E65 E66 E88',
  // Depression, anxiety, schizophrenia, bipolar disorder.
  '35489007': 'F06 F20 F25 F31 F32 F33 F34 F38 F39 F41 F43 F53 F92',
  '197480006': 'F06 F40 F41 F42 F43 F93 R45',
  '48694002': 'F06 F40 F41 F42 F43 F93 R45',
  '58214004': 'F20 F21 F23 F25 F29',
  '13746004': 'F25 F30 F31 F34',
  // Epilepsy, multiple sclerosis, Parkinson, Alzheimer, dementia, migraine, sleep apnoea.
  '84757009': 'G40 G41 F80',
  '24700007': 'G35',
  '49049000': 'G20 G21 G22 F02',
  '26929004': 'G30 F00 F02',
  '52448006': 'F00 F01 F02 F03 F05 F10 F13 F18 F19 G30 G31 A81 B22',
  '37796009': 'G43',
  '73430006': 'G47 P28',
  // Kidney, atrial fibrillation, coronary arteries.
  '709044004': 'N18 N19 I12 I13 E08 E09 E10 E11 E12 E13 E14 N02 N03 N04 N05 N07 N08 N11 Z99',
  '49436004': 'I48',
  '53741008': 'I20 I21 I22 I23 I24 I25 I70 Z95',
  // Joints and bones, skin, bowel, stomach, anaemia, nose.
  '69896004': 'M05 M06 M08 J99 I39 I52',
  '396275006': 'M15 M16 M17 M18 M19 M47',
  '64859006': 'M80 M81 M82',
  '9014002': 'L40 M07',
  '34000006': 'K50 M07 M09',
  '235595009': 'K20 K21 K22 P78',
  '271737000': 'D46 D50 D51 D52 D53 D55 D56 D57 D58 D59 D60 D61 D62 D63 D64 P61 O90 O08',
  '61582004': 'J30',
  // Infections.
  '86406008': 'B20 B21 B22 B23 B24 Z21 R75 F02',
  '62479008': 'B20 B21 B22 B23 B24 F02',
  '56717001': 'A15 A16 A17 A18 A19 B90 J65 K23 K67 K93 M01 M49 M90 N33 N74 P37',
  '66071002': 'B16 B17 B18 B19 Z22',
  '50711007': 'B17 B18 B19 Z22',
  // Cancer of the breast, prostate, lung.
  '254837009': 'C50 D05',
  '399068003': 'C61 D07',
  '363358000': 'C34 D02',
  // Pregnancy.
  '77386006': 'O Z32 Z33 Z34 Z35 Z36 Z3A',
};

/** Codes for diseases that complicate a pregnancy. They stand beside every disease. */
const PREGNANCY = ['O98', 'O99', 'O9A'];

/**
 * Whether an ICD-10 code says something else than a concept of SNOMED CT. The answer is false for concepts that Radgate does not ship,
 * because nothing is known about them.
 */
export function contradicts(concept: string, icd: string): boolean {
  const code = icd.replace('.', '').toUpperCase();
  const known = CODES[concept]?.split(' ');
  return known !== undefined && ![...known, ...PREGNANCY].some((one) => code.startsWith(one));
}

/** The concepts whose codes are known. */
export const CONCEPTS_WITH_CODES: readonly string[] = Object.keys(CODES);
