import { encoded, type MadeList } from './made.list.ts';

/** A hospital in Brazil, as a spreadsheet program saves it: windows-1252, semicolons, decimal commas, phones of relatives, CID-10. */
const hospital: MadeList = {
  name: 'pt 01 Brazil: windows-1252, CPF and record number, CID-10, decimal commas',
  bytes: encoded(
    [
      'Prontuário;Nome;CPF;Sexo;Dt. Nasc.;Telefone;CID-10;Glicemia;Creatinina;PA;Data do atendimento;;',
      '00451;José da Conceição;529.982.247-25;MASC;05/06/1970;(11) 91234-5678;E11;182;1,1;150/90;10/01/2026;;',
      '00452;Lúcia Araújo Filha;111.444.777-35;Fem.;25/12/1981;(11) 91234-5679 (mãe);I10, J45;98;0,8;120/80;11/01/2026;;',
      '00453;Ariel Prado;;Outros;13/02/1999;;;;0,9;;12/01/2026;;',
    ],
    'windows-1252',
    '\r\n',
  ),
  states: 'www',
  findings: ['3 phone-contact'],
  facts: [
    'P 00451 52998224725 · da Conceição, José · male · 1970-06-05 · +5511912345678',
    'C E11 E11',
    'O 85354-9 150/90 @2026-01-10',
    'O 2345-7 182 mg/dL @2026-01-10',
    'O 2160-0 1.1 mg/dL @2026-01-10',
    'E 2026-01-10..',
    'P 00452 11144477735 · Araújo Filha, Lúcia · female · 1981-12-25 · mãe +5511912345679',
    'C I10 I10',
    'C J45 J45',
    'O 85354-9 120/80 @2026-01-11',
    'O 2345-7 98 mg/dL @2026-01-11',
    'O 2160-0 0.8 mg/dL @2026-01-11',
    'E 2026-01-11..',
    'P 00453 · Prado, Ariel · other · 1999-02-13',
    'O 2160-0 0.9 mg/dL @2026-01-12',
    'E 2026-01-12..',
  ],
};

/** A health centre: UTF-16 with tabs, the name and phone of the mother, an address in five columns, the number of the health card. */
const centre: MadeList = {
  name: 'pt 02 Brazil: UTF-16, health card, name and phone of the mother, address in parts',
  bytes: encoded(
    [
      '\uFEFFCartão SUS\tNome do paciente\tNome da mãe\tTelefone da mãe\tSexo\tNascimento\tLogradouro\tNúmero da casa\tBairro\tMunicípio\tUF\tCEP\tNaturalidade',
      '898001160660761\tDavi Nogueira\tRita Nogueira\t(21) 98765-4321\tMasculino\t17/08/2015\tRua das Flores\t120\tCentro\tNiterói\tRJ\t24020-000\tNiterói',
      '898001160660770\tBebê Sem Cartão\tAna Paz\t\tFeminino\t02/09/2016\tAvenida Sul\t\tIcaraí\tNiterói\tRJ\t\t',
    ],
    'utf-16le',
    '\r\n',
  ),
  states: 'ww',
  findings: ['2 phone-contact'],
  facts: [
    'P 898001160660761 · Nogueira, Davi · male · 2015-08-17 · Rua das Flores 120 Centro · Niterói · RJ · 24020-000 · mother +5521987654321',
    'P 898001160660770 · Cartão, Bebê Sem · female · 2016-09-02 · Avenida Sul Icaraí · Niterói · RJ',
  ],
};

/** A laboratory: one result in each row, local times, a result of urine, a test that nobody knows. */
const laboratory: MadeList = {
  name: 'pt 03 Brazil: laboratory with local times, urine, and an unknown test',
  bytes: encoded([
    'Código do paciente;Paciente;CPF;Exame;Resultado;Unidade;Valor de referência;Data da coleta;Pedido;Material',
    'L1;Caio Reis;529.982.247-25;Potássio;4,2;mmol/L;3,5 a 5,5;13/01/2026 07:30;900;Soro',
    'L1;Caio Reis;529.982.247-25;Glicose;<40;mg/dL;70 a 99;13/01/2026 07:30;900;Soro',
    'L2;Nara Luz;111.444.777-35;Glicose;15;mg/dL;;14/01/2026 08:00;901;Urina',
    'L2;Nara Luz;111.444.777-35;Exame Zeta;7;U;;14/01/2026 08:00;901;Soro',
    'L2;Nara Luz;111.444.777-35;TSH;2,5;µUI/mL;0,4 a 4,5;14/01/2026 08:00;901;Soro',
  ]),
  questions: ['test-unknown', 'test-unknown', 'time-zone'],
  states: 'wdwdd',
  findings: [
    '3 duplicate-merged',
    '4 test-unknown',
    '5 test-unknown',
    '5 duplicate-merged',
    '6 duplicate-merged',
  ],
  facts: [
    'P 52998224725 L1 · Reis, Caio',
    'O 2823-3 4.2 mmol/L (3.5..5.5) @2026-01-13T07:30:00-03:00',
    'O 2345-7 <40 mg/dL (70..99) @2026-01-13T07:30:00-03:00',
    'P 11144477735 L2 · Luz, Nara',
    'O 3016-3 2.5 u[iU]/mL (0.4..4.5) @2026-01-14T08:00:00-03:00',
  ],
};

/** A clinic in Portugal: years with two digits, the family name apart, and one byte that is no UTF-8. */
const portugal: MadeList = {
  name: 'pt 04 Portugal: years with two digits, one damaged byte, a footer',
  bytes: Buffer.concat([
    encoded([
      'N.º Processo;Nome próprio;Apelido;Género;Data de nascimento;Telemóvel;Diagnósticos;Localidade;Código postal',
      'P-1;Inês;Sequeira;F;31-12-61;912345678;hipertensão arterial;Évora;7000-001',
    ]),
    Buffer.from('P-2;Jos\xe9;Valente;M;01-02-55;;asma;Faro;8000-001\n', 'latin1'),
    encoded(['P-3;Tomás;Brandão;M;15-03-10;;;Lisboa;1000-001', 'Total de registos: 3']),
  ]),
  questions: ['country'],
  corrections: [['/source/country', 'PT']],
  states: 'wrw',
  findings: ['2 date-short-year', '3 cell-undecodable', '3 date-short-year', '4 date-short-year'],
  facts: [
    'P P-1 · Sequeira, Inês · female · 1961-12-31 · +351912345678 · Évora · 7000-001',
    'C 38341003 hipertensão arterial',
    'P P-3 · Brandão, Tomás · male · 2010-03-15 · Lisboa · 1000-001',
  ],
};

/** A list of notes: most notes are known diagnoses. The sex is written as numbers, and the columns at the end are empty. */
const notes: MadeList = {
  name: 'pt 05 Brazil: notes that are diagnoses, sex as numbers, MacRoman',
  bytes: encoded(
    [
      'Matrícula,Nome completo,Sexo,Data de Nascimento,Observações,,',
      '7001,Célia Fragoso,2,20/04/1990,Gestante|Diabética,,',
      '7002,Júlio Fragoso,1,21/05/1958,Hipertenso,,',
      '7003,Noé Lacerda,1,01/11/1972,,,',
    ],
    'macintosh',
    '\r',
  ),
  states: 'www',
  findings: ['2 pregnancy-diabetes'],
  facts: [
    'P 7001 · Fragoso, Célia · female · 1990-04-20',
    'C 73211009 Diabética',
    'O 82810-3 Gestante @2026-03-01',
    'P 7002 · Fragoso, Júlio · male · 1958-05-21',
    'C 38341003 Hipertenso',
    'P 7003 · Lacerda, Noé · male · 1972-11-01',
  ],
};

export const PORTUGUESE_LISTS: readonly MadeList[] = [hospital, centre, laboratory, portugal, notes];
