import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);
/** The 49,233 most frequent leaked passwords. They are kept as the text of a JSON array, because a Set would need 15 MB. */
let list: string | undefined;

/**
 * Words in common passwords. People often choose such a word and repeat it, or add numbers to it. Short words are included, because a
 * repeated short word can have 15 characters.
 */
const WORDS = `
  password passwort passw0rd p@ssword p@ssw0rd pass admin administrator root user login welcome letmein secret changeme change
  default guest master superuser test testing tester demo example sample temp temporary qwerty qwertz azerty qwertyuiop
  asdfghjkl zxcvbnm asdf qwer 1qaz2wsx qazwsx iloveyou monkey dragon sunshine princess football baseball soccer hockey
  shadow superman batman trustno1 whatever freedom summer winter spring autumn monday january hello helloworld
  orthanc radgate dicom pacs radiology radiologie hospital krankenhaus clinic klinik doctor nurse xray ohif postgres
  abc abcd abcde abcdef abc123 a1b2c3 aaa 123 1234 12345 123456 1234567 12345678 123456789 1234567890 0123456789 111 000
  qwe qwe123 1q2w3e 1q2w3e4r 1q2w3e4r5t correct horse battery staple`
  .split(/\s+/)
  .filter((word) => word !== '')
  .sort((one, other) => other.length - one.length);

/** Sequences of characters. Every part of a sequence is a common password. */
const RUNS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789012345678901234567890',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
].flatMap((run) => [run, run.split('').reverse().join('')]);

/**
 * The minimum number of characters that must remain after the known words are removed from a password. A password with fewer remaining
 * characters is common.
 */
const NOVEL_CHARACTERS = 4;

/**
 * Whether a password is common. A password is common if the list of leaked passwords contains it, or if it consists of known words and
 * numbers. A keyboard sequence or a repeated short text is common too. Case and separators are ignored.
 */
export function isCommon(password: string): boolean {
  const folded = password.toLowerCase().replace(/[\s._\-!?+*#@$]+/g, '');
  if (folded.length === 0 || RUNS.some((run) => run.includes(folded))) return true;
  if (/^(.{1,4})\1+.{0,3}$/su.test(folded)) return true;
  if (isListed(folded)) return true;
  const rest = WORDS.reduce((text, word) => text.replaceAll(word, ''), folded);
  return rest.replace(/\d{1,4}$/, '').length < NOVEL_CHARACTERS && rest.length < folded.length;
}

/**
 * Whether the list of leaked passwords contains the password. Several forms of the password are compared: the unchanged password, the
 * password without the digits and signs at both ends, and the repeated part of the password.
 */
function isListed(folded: string): boolean {
  const bare = folded.replace(/^\P{L}+|\P{L}+$/gu, '');
  const piece = /^(.{5,}?)\1+.{0,3}$/su.exec(folded)?.[1] ?? folded;
  const barePiece = /^(.{5,}?)\1+$/su.exec(bare)?.[1] ?? bare;
  list ??= readFileSync(resolve('@zxcvbn-ts/language-common/src/passwords.json'), 'latin1');
  const known = list;
  return [folded, bare, piece, barePiece].some((text) => known.includes(JSON.stringify(text)));
}
