import { encoded, type MadeList } from './made.list.ts';

/** A clinic in England: title lines, a footer, codes and words in one column, laboratory values with their units in the header. */
const clinic: MadeList = {
  name: 'en 01 clinic with titles, a footer and wide laboratory values',
  bytes: encoded([
    'Northgate Clinic,,,,,,,,,,',
    'Exported on 12/02/2026,,,,,,,,,,',
    '',
    'NHS No,Surname,First Name,DOB,Sex,Diagnoses,Collected,Glucose (mmol/L),HbA1c (mmol/mol),Potassium (mmol/L),BP',
    '943 476 5919,Okafor,Amara,14/03/1961,F,I10; E11.9,02/02/2026,10.1,65,4.2,152/94',
    '943 476 5870,Lindqvist,Per,30/11/1978,M,Asthma,02/02/2026,5.1,,4.0,118/76 mmHg',
    '943 476 5889,Marsh,Eleanor,07/07/1949,F,,03/02/2026,<1.1,38,,94/152',
    'Total patients: 3',
  ]),
  states: 'www',
  findings: ['7 pressure-order'],
  facts: [
    'P 9434765919 · Okafor, Amara · female · 1961-03-14',
    'C I10 I10',
    'C E11.9 E11.9',
    'O 85354-9 152/94 @2026-02-02',
    'O 14749-6 10.1 mmol/L @2026-02-02',
    'O 59261-8 65 mmol/mol @2026-02-02',
    'O 2823-3 4.2 mmol/L @2026-02-02',
    'P 9434765870 · Lindqvist, Per · male · 1978-11-30',
    'C 195967001 Asthma',
    'O 85354-9 118/76 @2026-02-02',
    'O 14749-6 5.1 mmol/L @2026-02-02',
    'O 2823-3 4 mmol/L @2026-02-02',
    'P 9434765889 · Marsh, Eleanor · female · 1949-07-07',
    'O 14749-6 <1.1 mmol/L @2026-02-03',
    'O 59261-8 38 mmol/mol @2026-02-03',
  ],
};

/** A hospital in the United States: the month first, one column for the name, units of the country, placeholders as record numbers. */
const hospital: MadeList = {
  name: 'en 02 United States: month first, names with a comma, pounds and inches',
  bytes: encoded(
    [
      'MRN,"Last Name, First Name",Gender,Date of Birth,Phone,Zip Code,ICD-10-CM,Visit Date,Weight (lb),Height (in),Temp (F),Allergies,Medications',
      '0012,"Harper, Jo Ann",F,03/31/1970,(212) 555-2368,10001,E11.9,01/15/2026,165.5,64,98.6,"Penicillin, latex",Metformin 500 mg; Aspirin',
      '0013,"Nguyen, Bao",M,12/01/1982,,10002,"J45.909, I10",01/16/2026,180,70,,NKDA,',
      'N/A,"Doe, Sam",U,04/05/1999,,,,01/17/2026,150,66,,,',
    ],
    'utf8',
    '\r\n',
  ),
  questions: ['country'],
  states: 'wwr',
  findings: ['3 text-none', '4 identifier-placeholder', '4 identifier-missing'],
  facts: [
    'P 0012 · Harper, Jo Ann · female · 1970-03-31 · +12125552368 · 10001',
    'C E11.9 E11.9',
    'O 29463-7 165.5 [lb_av] @2026-01-15',
    'O 8302-2 64 [in_i] @2026-01-15',
    'O 8310-5 98.6 [degF] @2026-01-15',
    'E 2026-01-15..',
    'A Penicillin',
    'A latex',
    'M Metformin 500 mg',
    'M Aspirin',
    'P 0013 · Nguyen, Bao · male · 1982-12-01 · 10002',
    'C J45.909 J45.909',
    'C I10 I10',
    'O 29463-7 180 [lb_av] @2026-01-16',
    'O 8302-2 70 [in_i] @2026-01-16',
    'E 2026-01-16..',
  ],
};

/** A laboratory: one result in each row, LOINC codes, comparators, texts, reference ranges, order numbers, times with a zone. */
const laboratory: MadeList = {
  name: 'en 03 laboratory with one result in each row',
  bytes: encoded([
    'Patient ID\tPatient Name\tSex\tDOB\tLOINC\tTest Name\tResult\tUnits\tReference Range\tCollected At\tAccession No',
    'P7\tRuth Adeyemi\tFemale\t1958-04-02\t2823-3\tPotassium\t4.1\tmmol/L\t3.5-5.1\t2026-01-10T07:30:00Z\tS1',
    'P7\tRuth Adeyemi\tFemale\t1958-04-02\t2823-3\tPotassium\t4.6\tmmol/L\t3.5-5.1\t2026-01-10T16:30:00Z\tS2',
    'P7\tRuth Adeyemi\tFemale\t1958-04-02\t1988-5\tCRP\t<4.0\tmg/L\t< 5\t2026-01-10T07:30:00Z\tS1',
    'P8\tOlu Bright\tMale\t1990-12-24\t5196-1\tHepatitis B surface antigen\tNegative\t\t\t2026-01-11T08:00:00Z\tS3',
    'P8\tOlu Bright\tMale\t1990-12-24\t\tSodium\t139\tmmol/L\t135-145\t2026-01-11T08:00:00Z\tS3',
  ]),
  states: 'wddwd',
  findings: ['3 duplicate-merged', '4 duplicate-merged', '6 duplicate-merged'],
  facts: [
    'P P7 · Adeyemi, Ruth · female · 1958-04-02',
    'O 2823-3 4.1 mmol/L (3.5..5.1) @2026-01-10T07:30:00Z',
    'O 2823-3 4.6 mmol/L (3.5..5.1) @2026-01-10T16:30:00Z',
    'O 1988-5 <4 mg/L (..5) @2026-01-10T07:30:00Z',
    'P P8 · Bright, Olu · male · 1990-12-24',
    'O 5196-1 Negative @2026-01-11T08:00:00Z',
    'O 2951-2 139 mmol/L (135..145) @2026-01-11T08:00:00Z',
  ],
};

/** An outpatient list: no date shows the order of day and month, so a person says it. Columns that no mapping has, and phones of relatives. */
const outpatients: MadeList = {
  name: 'en 04 ambiguous dates, a sep= line, phones of relatives, several numbers',
  bytes: encoded([
    'sep=;',
    'No;Hospital Number;Full name;Sex;Birth date;Phone;Emergency contact phone;Age;Ward;Email;Problems',
    '1;H-100;Mr. John Ashby;M;01/02/1960;020 7946 0958;020 7946 0111;66;4B;j.ashby@example.org;hypertension|asthma',
    '2;H-101;Kim Lau (deceased);F;03/04/1971;020 7946 0959 (daughter);;54;4B;;',
    '3;H-102;Lee Stone;X;05/06/1982;;;43;5A;;diabetes',
  ]),
  questions: ['day-order', 'country'],
  corrections: [['/columns/birth_date/formats', ['MM/dd/yyyy']]],
  states: 'www',
  findings: ['2 name-title', '2 phone-contact', '3 name-note', '3 phone-contact'],
  facts: [
    'P H-100 · Ashby, John · male · 1960-01-02 · +442079460958 · j.ashby@example.org · emergency +442079460111',
    'C 38341003 hypertension',
    'C 195967001 asthma',
    'P H-101 · Lau, Kim · female · 1971-03-04 · daughter +442079460959',
    'P H-102 · Stone, Lee · other · 1982-05-06',
    'C 73211009 diabetes',
  ],
};

export const ENGLISH_LISTS: readonly MadeList[] = [clinic, hospital, laboratory, outpatients];
