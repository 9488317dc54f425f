/** The cells of one row of the sample list, as text. */
export interface PatientRow {
  name: string;
  cpf: string;
  gender: string;
  birthDate: string;
  phone: string;
  country: string;
  note: string;
}

/** The columns of the sample list. The original list from Brazil has the same columns. */
export const COLUMNS = [
  'Nome',
  'CPF',
  'Gênero',
  'Data de Nascimento',
  'Telefone',
  'País de Nascimento',
  'Observação',
];

const WOMEN =
  'Aurélia Benedita Celina Dorotéia Edwiges Filomena Gertrudes Hermínia Inácia Jovita Leocádia Mafalda Noêmia Olívia Perpétua Quitéria Rosália Zuleica';
const MEN =
  'Abelardo Belmiro Clodoaldo Deodato Evaristo Felisberto Gervásio Honório Isidoro Januário Leôncio Moacir Nicanor Onofre Patrício Quintino Raimundo Teobaldo';
const FAMILIES = [
  'da Mata',
  'Vasconcelos',
  'de Assunção',
  'Pimentel Filho',
  'dos Anjos',
  'Sepúlveda',
  'Brandão Neto',
  'das Neves',
  'Quaresma',
  'do Carmo',
  'Guimarães',
  'Falcão Júnior',
  'Leitão e Sá',
];
/** Valid area codes. Every tenth row uses an invalid code of the next list. */
const AREA_CODES = [11, 21, 31, 41, 51, 61, 71, 81, 91, 27, 48];
const NO_AREA_CODES = [20, 23, 36, 52, 76];
/** The notes by row index. 11 of the 50 rows have a note. The notes mention 11 conditions and 4 pregnancies in all. */
const NOTES = new Map([
  [1, 'Diabético'],
  [4, 'Gestante'],
  [9, 'Hipertenso'],
  [12, 'Gestante|Hipertenso'],
  [17, 'Diabético|Hipertenso'],
  [22, 'Hipertenso'],
  [26, 'Gestante'],
  [31, 'Diabético|Hipertenso'],
  [36, 'Gestante|Diabético'],
  [41, 'Hipertenso'],
  [47, 'Diabético'],
]);

/** Returns a list of 50 invented people. It resembles the original list, but no identifier has valid check digits. */
export function patientRows(): PatientRow[] {
  return Array.from({ length: 50 }, (_, at) => {
    const female = at % 2 === 0;
    return {
      name: nameOf(at),
      cpf: cpfOf(at),
      gender: female ? 'Feminino' : 'Masculino',
      birthDate: birthDateOf(at),
      phone: phoneOf(at),
      country: 'Brasil',
      note: noteOf(at),
    };
  });
}

/**
 * Returns the name of a person. Four pairs of people have the same full name but different CPF numbers, because a name must never be used
 * as a key.
 */
function nameOf(at: number): string {
  const person = at >= 46 ? at - 44 : at;
  const names = (person % 2 === 0 ? WOMEN : MEN).split(' ');
  const half = Math.floor(person / 2);
  const family = FAMILIES[(half * 5 + (person % 2)) % FAMILIES.length];
  return `${names[half % names.length]} ${family}`;
}

/** Returns the note of a row. Only women have pregnancies. */
function noteOf(at: number): string {
  return NOTES.get(at) ?? '';
}

/** Returns a CPF number in the usual format. The last check digit is wrong, because it is one too high. */
function cpfOf(at: number): string {
  const base = String(100_200_300 + at * 7_654_321).slice(0, 9);
  const first = checkDigit(base);
  const second = (checkDigit(base + first) + 1) % 10;
  return `${base.slice(0, 3)}.${base.slice(3, 6)}.${base.slice(6)}-${first}${second}`;
}

function checkDigit(digits: string): number {
  const sum = Array.from(digits).reduce(
    (total, digit, at) => total + Number(digit) * (digits.length + 1 - at),
    0,
  );
  return ((sum * 10) % 11) % 10;
}

/** Returns a date of birth. In 22 of the 50 dates, the day and the month could be swapped. */
function birthDateOf(at: number): string {
  const ambiguous = at < 22;
  const day = ambiguous ? 1 + (at % 6) : 13 + (at % 15);
  const month = ambiguous ? 7 + (at % 6) : 1 + (at % 12);
  const year = 1962 + ((at * 11) % 40);
  return `${two(day)}/${two(month)}/${year}`;
}

function phoneOf(at: number): string {
  const code = at % 10 === 3 ? NO_AREA_CODES[Math.floor(at / 10)] : AREA_CODES[at % AREA_CODES.length];
  return `(${code}) ${3200 + ((at * 37) % 700)}-${String(1000 + ((at * 613) % 9000))}`;
}

const two = (number: number) => String(number).padStart(2, '0');
