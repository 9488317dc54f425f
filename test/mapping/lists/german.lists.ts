import { sheetRows, workbook } from '../../csv/workbook.maker.ts';
import { encoded, type MadeList } from './made.list.ts';

/** A practice in Germany: one column for the name, points in dates, ICD-10-GM, decimal commas, divers. */
const practice: MadeList = {
  name: 'de 01 Germany: Nachname, Vorname in one column, ICD-10-GM, divers',
  bytes: encoded(
    [
      'Pat.-Nr.;"Nachname, Vorname";Geschlecht;Geb.-Datum;PLZ;Ort;Telefon;Diagnosen (ICD-10);Blutdruck;Kalium;Datum',
      '4711;"Müller, Jürgen";männlich;5.3.1955;04103;Leipzig;030 23125 000;I10; ;4,4;12.1.2026',
      '4712;"Weiß, Änne";weiblich;24.12.1948;01067;Dresden;;"E11.90, I25.1";145/90;5,1;12.1.2026',
      '4713;"Groß, Kim";divers;01.02.1993;;;;;;;13.1.2026',
    ].map((line) => line.replace('Diagnosen (ICD-10)', 'ICD-10-GM')),
    'windows-1252',
    '\r\n',
  ),
  questions: ['country'],
  states: 'www',
  facts: [
    'P 4711 · Müller, Jürgen · male · 1955-03-05 · +493023125000 · Leipzig · 04103',
    'C I10 I10',
    'O 2823-3 4.4 mmol/L @2026-01-12',
    'P 4712 · Weiß, Änne · female · 1948-12-24 · Dresden · 01067',
    'C E11.90 E11.90',
    'C I25.1 I25.1',
    'O 85354-9 145/90 @2026-01-12',
    'O 2823-3 5.1 mmol/L @2026-01-12',
    'P 4713 · Groß, Kim · other · 1993-02-01',
  ],
};

/** A laboratory: insurance numbers with check digits, abbreviations of tests, a converted unit. */
const laboratory: MadeList = {
  name: 'de 02 laboratory: insurance numbers, abbreviations of tests, comparators',
  bytes: encoded([
    'Versichertennr.,Nachname,Vorname,Geburtsdatum,Parameter,Ergebnis,Einheit,Referenzbereich,Abnahme,Auftragsnr.',
    'A123456780,Vogt,Ida,02.03.1967,Krea,"0,8",mg/dl,"0,5 - 0,9",03.02.2026 08:00,7001',
    'A123456780,Vogt,Ida,02.03.1967,Leukozyten,"6,2",10^3/µl,"4,0 - 10,0",03.02.2026 08:00,7001',
    'A123456780,Vogt,Ida,02.03.1967,TSH,"<0,01",mIU/l,"0,4 - 4,0",03.02.2026 08:00,7001',
    'B234567895,Lenz,Udo,30.09.1958,Hb,14.1,g/dl,"13,5 - 17,5",03.02.2026 09:30,7002',
  ]),
  states: 'wddw',
  findings: ['3 duplicate-merged', '4 duplicate-merged'],
  facts: [
    'P A123456780 · Vogt, Ida · 1967-03-02',
    'O 2160-0 0.8 mg/dL (0.5..0.9) @2026-02-03T08:00:00+01:00',
    'O 26464-8 6.2 10*3/uL (4..10) @2026-02-03T08:00:00+01:00',
    'O 3016-3 <0.01 m[iU]/L (0.4..4) @2026-02-03T08:00:00+01:00',
    'P B234567895 · Lenz, Udo · 1958-09-30',
    'O 718-7 14.1 g/dL (13.5..17.5) @2026-02-03T09:30:00+01:00',
  ],
};

/** A workbook of a ward: a title, a footer, an unclear unit that a person decides, and a number that counts the rows. */
const ward: MadeList = {
  name: 'de 03 workbook of a ward: a counter, an unclear unit, a footer',
  bytes: workbook(
    sheetRows(
      ['Stationsliste', 'Februar 2026'],
      [
        'Lfd. Nr.',
        'Fallnummer',
        'Name',
        'Vorname',
        'Geschlecht',
        'Geburtsdatum',
        'Größe',
        'Gewicht',
        'Hämoglobin',
        'Temperatur',
        'Puls',
        'Aufnahmedatum',
      ],
      ['1', 'F-77', 'Kern', 'Lotte', 'w', '1940-06-30', '162', '58', '8.1', '36.8', '80', '2026-02-10'],
      ['2', 'F-78', 'Horn', 'Emil', 'm', '1952-01-09', '180', '91', '9.4', '39.1', '104', '2026-02-11'],
      ['Summe: 2'],
    ),
  ),
  questions: ['unit-missing'],
  corrections: [
    ['/observations/2/code/code', '59260-0'],
    ['/observations/2/code/display', 'Hemoglobin [Moles/volume] in Blood'],
    ['/observations/2/quantity', { unit: 'mmol/L', ucum: 'mmol/L' }],
  ],
  states: 'ww',
  facts: [
    'P F-77 · Kern, Lotte · female · 1940-06-30',
    'O 8302-2 162 cm @2026-02-10',
    'O 29463-7 58 kg @2026-02-10',
    'O 59260-0 8.1 mmol/L @2026-02-10',
    'O 8310-5 36.8 Cel @2026-02-10',
    'O 8867-4 80 /min @2026-02-10',
    'E 2026-02-10..',
    'P F-78 · Horn, Emil · male · 1952-01-09',
    'O 8302-2 180 cm @2026-02-11',
    'O 29463-7 91 kg @2026-02-11',
    'O 59260-0 9.4 mmol/L @2026-02-11',
    'O 8310-5 39.1 Cel @2026-02-11',
    'O 8867-4 104 /min @2026-02-11',
    'E 2026-02-11..',
  ],
};

export const GERMAN_LISTS: readonly MadeList[] = [practice, laboratory, ward];
