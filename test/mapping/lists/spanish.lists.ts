import { sheetRows, workbook } from '../../csv/workbook.maker.ts';
import { encoded, type MadeList } from './made.list.ts';

/** A hospital in Spain: two family names, H and M as sexes, dates with hyphens, CIE-10, a blood pressure in one cell. */
const hospital: MadeList = {
  name: 'es 01 Spain: two family names, hombre and mujer, CIE-10, blood pressure',
  bytes: encoded(
    [
      'NHC;Primer apellido;Segundo apellido;Nombre;DNI;Sexo;F. Nacimiento;CIE-10;TA;Fecha de ingreso;Fecha de alta',
      '10;Ruiz;Peña;María José;12345678Z;M;25-12-1975;E11.9;140/85;07-01-2026;11-01-2026',
      '11;Vidal;;Íñigo;;H;01-02-1980;I10;130/80 mmHg;08-01-2026;',
      '12;Soto;Gil;Óscar;87654321X;H;30-11-1966;;;09-01-2026;10-01-2026',
    ],
    'windows-1252',
  ),
  states: 'www',
  facts: [
    'P 10 12345678Z · Ruiz Peña, María José · female · 1975-12-25',
    'C E11.9 E11.9',
    'O 85354-9 140/85 @2026-01-07',
    'E 2026-01-07..2026-01-11',
    'P 11 · Vidal, Íñigo · male · 1980-02-01',
    'C I10 I10',
    'O 85354-9 130/80 @2026-01-08',
    'E 2026-01-08..',
    'P 12 87654321X · Soto Gil, Óscar · male · 1966-11-30',
    'E 2026-01-09..2026-01-10',
  ],
};

/** A workbook with title rows, an empty row, and a footer. The family names stand before a comma. */
const sheet: MadeList = {
  name: 'es 02 workbook with titles and a footer, wide laboratory values',
  bytes: workbook(
    sheetRows(
      ['Listado de pacientes'],
      [],
      [
        'Historia clínica',
        'Apellidos y nombre',
        'Sexo',
        'Fecha de nacimiento',
        'Glucosa (mg/dL)',
        'Colesterol total',
        'Triglicéridos',
        'Fecha de extracción',
      ],
      ['A-1', 'Mora Lago, Eva', 'Mujer', '14/05/1969', '101', '210', '150', '03/02/2026'],
      ['A-2', 'Cano Vera, Luis', 'Hombre', '02/11/1958', '5.5 mmol/L', '185', '98,5', '03/02/2026'],
      ['Total: 2'],
    ),
  ),
  states: 'ww',
  findings: ['5 unit-contradicts'],
  facts: [
    'P A-1 · Mora Lago, Eva · female · 1969-05-14',
    'O 2345-7 101 mg/dL @2026-02-03',
    'O 2093-3 210 mg/dL @2026-02-03',
    'O 2571-8 150 mg/dL @2026-02-03',
    'P A-2 · Cano Vera, Luis · male · 1958-11-02',
    'O 2093-3 185 mg/dL @2026-02-03',
    'O 2571-8 98.5 mg/dL @2026-02-03',
  ],
};

/** A clinic in Mexico: code page 850, vertical bars, sexes as numbers, the height in metres, the pressure in two columns. */
const mexico: MadeList = {
  name: 'es 03 Mexico: code page 850, paternal and maternal names, metres, two columns of pressure',
  bytes: encoded(
    [
      'Expediente|Apellido paterno|Apellido materno|Nombres|Sexo|Fecha nac.|Teléfono|Peso|Talla|Presión sistólica|Presión diastólica|Diagnóstico|Fecha',
      'X1|Núñez|Ávila|Rosa Itzel|2|15/09/1988|55 1234 5678|61.5|1.58|110|70|asma, hipotiroidismo|20/01/2026',
      'X2|Peña|Muñoz|Andrés|1|28/02/1979||84|1.75|128|82|hipertensión|20/01/2026',
    ],
    'cp850',
    '\r\n',
  ),
  questions: ['country'],
  corrections: [['/source/country', 'MX']],
  states: 'ww',
  facts: [
    'P X1 · Núñez Ávila, Rosa Itzel · female · 1988-09-15 · +525512345678',
    'C 195967001 asma',
    'C 40930008 hipotiroidismo',
    'O 85354-9 110/70 @2026-01-20',
    'O 29463-7 61.5 kg @2026-01-20',
    'O 8302-2 1.58 m @2026-01-20',
    'P X2 · Peña Muñoz, Andrés · male · 1979-02-28',
    'C 38341003 hipertensión',
    'O 85354-9 128/82 @2026-01-20',
    'O 29463-7 84 kg @2026-01-20',
    'O 8302-2 1.75 m @2026-01-20',
  ],
};

/** A laboratory in Argentina: the month is last in every date but one, and the results have comparators and texts. */
const laboratory: MadeList = {
  name: 'es 04 Argentina: laboratory, one date decides the order, comparators and texts',
  bytes: encoded([
    'Nº Historia clínica,Paciente,Sexo,Fecha de nacimiento,Prueba,Resultado,Unidades,Valores de referencia,Fecha de toma,Nº de orden',
    '88,"Ferro, Delia",Femenino,04/05/1950,Glucemia,"1,05",g/L,"0,70 - 1,10",05/01/2026,T1',
    '88,"Ferro, Delia",Femenino,04/05/1950,Hemoglobina glicosilada,"6,8",%,,05/01/2026,T1',
    '89,"Paz, Bruno",Masculino,06/07/1961,VSG,>100,mm/h,< 20,13/01/2026,T2',
    '89,"Paz, Bruno",Masculino,06/07/1961,Creatinina,"0,9",mg/dL,,13/01/2026,T2',
  ]),
  questions: [],
  states: 'wdwd',
  findings: ['3 duplicate-merged', '5 duplicate-merged'],
  facts: [
    'P 88 · Ferro, Delia · female · 1950-05-04',
    'O 2345-7 1.05 g/L (0.7..1.1) @2026-01-05',
    'O 4548-4 6.8 % @2026-01-05',
    'P 89 · Paz, Bruno · male · 1961-07-06',
    'O 30341-2 >100 mm/h (..20) @2026-01-13',
    'O 2160-0 0.9 mg/dL @2026-01-13',
  ],
};

export const SPANISH_LISTS: readonly MadeList[] = [hospital, sheet, mexico, laboratory];
