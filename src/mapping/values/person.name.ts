import type { HumanName } from '@medplum/fhirtypes';
import { foldText } from '../words/folding.js';

const PARTICLES = new Set(['da', 'de', 'di', 'do', 'das', 'dos', 'del']);
const SUFFIXES = new Set(['filho', 'filha', 'junior', 'jr', 'jr.', 'neto', 'neta', 'sobrinho', 'sobrinha']);

/**
 * Splits a full name according to Brazilian custom. The last part is the family name, and the other parts are given names. A particle such
 * as `da` belongs to the next word, and `e` joins the words before and after it. Filho, Júnior, Neto and Sobrinho belong to the family
 * name. `text` is the unchanged cell.
 */
export function splitName(text: string): HumanName {
  const parts = partsOf(text);
  const family = parts.length > 1 ? parts.at(-1) : undefined;
  const given = family === undefined ? parts : parts.slice(0, -1);
  return { use: 'official', text, ...(family === undefined ? {} : { family }), given };
}

function partsOf(text: string): string[] {
  const parts: string[] = [];
  let open = '';
  let joined = false;
  for (const word of text.split(/\s+/u).filter((part) => part !== '')) {
    const folded = foldText(word);
    if (folded === 'e' && parts.length > 1 && open === '') {
      open = `${parts.pop()} ${word} `;
      continue;
    }
    if (PARTICLES.has(folded) || folded === 'e') {
      open += `${word} `;
      continue;
    }
    // A suffix such as Filho is a separate part only when no other part follows the given name.
    joined = SUFFIXES.has(folded) && parts.length > 1 && open === '';
    if (joined) parts.push(`${parts.pop()} ${word}`);
    else parts.push(open + word);
    open = '';
  }
  if (open !== '') parts.push(open.trim());
  return parts;
}

/** A name from two cells. `text` contains both cells as they were written. */
export function joinName(given: string | undefined, family: string | undefined): HumanName {
  const words = given?.split(/\s+/u).filter((part) => part !== '') ?? [];
  const text = [given, family].filter((part) => part !== undefined).join(' ');
  return {
    use: 'official',
    text,
    ...(family === undefined ? {} : { family }),
    ...(words.length === 0 ? {} : { given: words }),
  };
}
