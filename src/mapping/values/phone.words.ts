import type { CodeableConcept } from '@medplum/fhirtypes';
import { foldText } from '../words/folding.js';

const V3_ROLES = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const V2_RELATIONSHIPS = 'http://terminology.hl7.org/CodeSystem/v2-0131';

/** The folded words for another person, by code of HL7 v3 RoleCode. */
const ROLES: Readonly<Record<string, string>> = {
  MTH: 'mae madre mother mom mum mama mere mutter',
  FTH: 'pai padre father dad papa pere vater',
  PRN: 'pais padres parents parent eltern',
  WIFE: 'esposa wife mulher mujer epouse femme ehefrau frau',
  HUSB: 'esposo marido husband mari ehemann mann',
  SPS: 'conjuge conyuge spouse conjoint companheiro companheira partner pareja',
  SONC: 'filho hijo son fils sohn',
  DAUC: 'filha hija daughter fille tochter',
  BRO: 'irmao hermano brother frere bruder',
  SIS: 'irma hermana sister soeur sœur schwester',
  GRPRN: 'avo avos abuelos grandparents grandparent',
  GRMTH: 'abuela grandmother grandma oma',
  GRFTH: 'abuelo grandfather grandpa opa',
  GRNDCHILD: 'neto neta nieto nieta grandson granddaughter enkel enkelin',
  UNCLE: 'tio uncle oncle onkel',
  AUNT: 'tia aunt tante',
  COUSN: 'primo prima cousin cousine',
  NIENEPH: 'sobrinho sobrinha sobrino sobrina nephew niece neveu neffe nichte',
  INLAW: 'sogro sogra genro nora cunhado cunhada suegro suegra yerno nuera cunado cunada',
  GUARD: 'responsavel tutor tutora guardian',
};
/** The folded words for a person who is not of the family. */
const OTHERS: Readonly<Record<string, string>> = {
  NBOR: 'vizinho vizinha vecino vecina neighbor neighbour voisin voisine nachbar nachbarin',
  FRND: 'amigo amiga friend ami amie freund freundin',
};
/** The folded words for a number on which to leave a message, or for an emergency contact. */
const CONTACT =
  'recado recados rec emergencia emergency urgence notfall cuidador cuidadora caregiver acompanhante';

/** The folded words for the use of a number of the patient. */
const USES: Readonly<Record<'mobile' | 'home' | 'work', string>> = {
  mobile: 'cel celular cell mobile movil telemovel portable handy whatsapp whats wpp zap',
  home: 'casa res residencia residencial home domicile domicilio privat fixo fijo fixe',
  work: 'trabalho trab comercial trabajo work office escritorio oficina bureau travail arbeit buro',
};
/** Words without a meaning of their own beside a number. */
const FILLERS = new Set(
  (
    'tel telefone telefono telephone fone phone ph fon telefon numero number no nr num de da do das dos del com con with of the la le el ' +
    'a o os as falar chamar ask for proprio propria own self pessoal ddd principal'
  ).split(' '),
);

const index = (table: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(table).flatMap(([code, words]) => words.split(' ').map((word) => [word, code])));
const FAMILY = index(ROLES);
const ACQUAINTANCES = index(OTHERS);
const CONTACTS = new Set(CONTACT.split(' '));
const USE_OF = new Map<string, 'mobile' | 'home' | 'work'>([
  ...USES.mobile.split(' ').map((word) => [word, 'mobile'] as const),
  ...USES.home.split(' ').map((word) => [word, 'home'] as const),
  ...USES.work.split(' ').map((word) => [word, 'work'] as const),
]);

/** What a note beside a phone number says. */
export interface PhoneNote {
  /** The relationship of the person whose number it is. Missing when the note names no other person. */
  readonly relationship?: CodeableConcept;
  readonly use?: 'mobile' | 'home' | 'work';
  /** The words that are not understood, as they are written. */
  readonly unknown: readonly string[];
}

/** Reads the words beside a phone number, in Portuguese, Spanish, English, French and German. */
export function readPhoneNote(note: string): PhoneNote {
  let relationship: CodeableConcept | undefined;
  let use: PhoneNote['use'];
  const unknown: string[] = [];
  for (const word of note.split(/[^\p{L}\p{M}\p{N}]+/u).filter((one) => one !== '')) {
    const folded = foldText(word);
    const related = relationshipOf(folded, word);
    const used = USE_OF.get(folded);
    if (related !== undefined) relationship ??= related;
    else if (used !== undefined) use ??= used;
    else if (!FILLERS.has(folded)) unknown.push(word);
  }
  return {
    unknown,
    ...(relationship === undefined ? {} : { relationship }),
    ...(use === undefined ? {} : { use }),
  };
}

const general = (code: string) => ({ system: V2_RELATIONSHIPS, code });

function relationshipOf(folded: string, text: string): CodeableConcept | undefined {
  const [family, acquaintance] = [FAMILY.get(folded), ACQUAINTANCES.get(folded)];
  if (family !== undefined) return { coding: [general('N'), { system: V3_ROLES, code: family }], text };
  if (acquaintance !== undefined)
    return { coding: [general('U'), { system: V3_ROLES, code: acquaintance }], text };
  return CONTACTS.has(folded) ? { coding: [general('C')], text } : undefined;
}
