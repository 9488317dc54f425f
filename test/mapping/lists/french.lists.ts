import { encoded, type MadeList } from './made.list.ts';

/** A hospital in France: windows-1252, the family name in the column "Nom", CIM-10 with texts, the phone at work. */
const hospital: MadeList = {
  name: 'fr 01 France: names in two columns, CIM-10 with texts, phones, address',
  bytes: encoded(
    [
      'IPP;Nom;Prénom;Sexe;Né(e) le;Téléphone;Tél. pro.;Adresse;Code postal;Ville;Code CIM-10;Libellé diagnostic;Date de consultation',
      '0451;Lefèvre;Chloé;F;14/07/1984;06 12 34 56 78;01 23 45 67 89;3 rue Haute;35000;Rennes;E11.9;Diabète de type 2;05/01/2026',
      '0452;Müller;Théo;H;02/03/1971;;;;;;I10;Hypertension essentielle;06/01/2026',
      '0453;N’Diaye;Awa;F;28/02/1990;;;12 quai Sud;13002;Marseille;;;06/01/2026',
    ],
    'windows-1252',
  ),
  questions: ['words-language', 'country'],
  states: 'www',
  facts: [
    'P 0451 · Lefèvre, Chloé · female · 1984-07-14 · +33612345678 · +33123456789 · 3 rue Haute · Rennes · 35000',
    'C E11.9 Diabète de type 2',
    'E 2026-01-05..',
    'P 0452 · Müller, Théo · male · 1971-03-02',
    'C I10 Hypertension essentielle',
    'E 2026-01-06..',
    'P 0453 · N’Diaye, Awa · female · 1990-02-28 · 12 quai Sud · Marseille · 13002',
    'E 2026-01-06..',
  ],
};

/** A list of check-ups: the units are not written, so the values decide. Years with two digits. */
const checkups: MadeList = {
  name: 'fr 02 check-ups: units from the values, years with two digits, decimal commas',
  bytes: encoded([
    'N° dossier;Nom et prénom;Sexe;Date de naissance;Date du prélèvement;Glycémie;HbA1c;Créatinine;Poids;Taille',
    'D1;Roux, Élise;Féminin;31/12/58;09/02/26;5,4;5,9;71;62,5;164',
    'D2;Blanc, Yves;Masculin;01/06/72;10/02/26;11,2;8,1;104;91;178',
    'D3;Noir, Zoé;Féminin;17/08/05;13/02/26;4,9;;66;55;170',
  ]),
  states: 'www',
  findings: [
    '2 date-short-year',
    '2 date-short-year',
    '3 date-short-year',
    '3 date-short-year',
    '4 date-short-year',
    '4 date-short-year',
  ],
  facts: [
    'P D1 · Roux, Élise · female · 1958-12-31',
    'O 14749-6 5.4 mmol/L @2026-02-09',
    'O 4548-4 5.9 % @2026-02-09',
    'O 14682-9 71 umol/L @2026-02-09',
    'O 29463-7 62.5 kg @2026-02-09',
    'O 8302-2 164 cm @2026-02-09',
    'P D2 · Blanc, Yves · male · 1972-06-01',
    'O 14749-6 11.2 mmol/L @2026-02-10',
    'O 4548-4 8.1 % @2026-02-10',
    'O 14682-9 104 umol/L @2026-02-10',
    'O 29463-7 91 kg @2026-02-10',
    'O 8302-2 178 cm @2026-02-10',
    'P D3 · Noir, Zoé · female · 2005-08-17',
    'O 14749-6 4.9 mmol/L @2026-02-13',
    'O 14682-9 66 umol/L @2026-02-13',
    'O 29463-7 55 kg @2026-02-13',
    'O 8302-2 170 cm @2026-02-13',
  ],
};

/** A laboratory: social security numbers with a key, local times, texts and comparators. */
const laboratory: MadeList = {
  name: 'fr 03 laboratory: social security numbers, local times, texts',
  bytes: encoded([
    'N° sécu;Nom;Prénom;Analyse;Résultat;Unité;Valeurs de référence;Date de prélèvement;N° demande',
    '2 84 07 35 123 456 20;Petit;Léa;Kaliémie;4,1;mmol/L;3,5 - 5,0;07/01/2026 08:15;Q1',
    '2 84 07 35 123 456 20;Petit;Léa;CRP;<5;mg/L;< 5;07/01/2026 08:15;Q1',
    '1 71 03 13 055 789 34;Brun;Max;Ferritine;18;µg/L;30 - 300;17/01/2026 09:00;Q2',
  ]),
  states: 'wdw',
  findings: ['3 duplicate-merged'],
  facts: [
    'P 284073512345620 · Petit, Léa',
    'O 2823-3 4.1 mmol/L (3.5..5) @2026-01-07T08:15:00+01:00',
    'O 1988-5 <5 mg/L (..5) @2026-01-07T08:15:00+01:00',
    'P 171031305578934 · Brun, Max',
    'O 2276-4 18 ug/L (30..300) @2026-01-17T09:00:00+01:00',
  ],
};

/** A list of a ward: the room and the doctor are not imported, and one name of a column says nothing. */
const ward: MadeList = {
  name: 'fr 04 ward: columns that are not imported, a tab as delimiter, UTF-16 big-endian',
  bytes: encoded(
    [
      '\uFEFFN°\tIPP\tPatient\tSexe\tDDN\tChambre\tMédecin\tMédecin traitant\tTension artérielle\tPouls\tTempérature\tDate',
      '1\t900\tM. Paul Girard\tM\t22/11/1949\t12\tDr Colin\t\t13/8\t72\t37,2\t15/01/2026',
      '2\t901\tMme Lise Bonnet\tF\t03/04/1961\t14\tDr Colin\t\t118/76\t88\t38,9\t15/01/2026',
    ],
    'utf-16be',
  ),
  states: 'ww',
  findings: ['2 name-title', '2 number-out-of-range', '3 name-title'],
  facts: [
    'P 900 · Girard, Paul · male · 1949-11-22',
    'O 8867-4 72 /min @2026-01-15',
    'O 8310-5 37.2 Cel @2026-01-15',
    'P 901 · Bonnet, Lise · female · 1961-04-03',
    'O 85354-9 118/76 @2026-01-15',
    'O 8867-4 88 /min @2026-01-15',
    'O 8310-5 38.9 Cel @2026-01-15',
  ],
};

export const FRENCH_LISTS: readonly MadeList[] = [hospital, checkups, laboratory, ward];
