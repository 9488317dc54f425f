import type { HumanName } from '@medplum/fhirtypes';
import { foldText } from '../words/folding.js';

const PARTICLES = new Set(['da', 'de', 'di', 'do', 'das', 'dos', 'del']);
const SUFFIXES = new Set(['filho', 'filha', 'junior', 'jr', 'jr.', 'neto', 'neta', 'sobrinho', 'sobrinha']);

/**
 * A name in one cell, taken apart the Brazilian way: the last piece is the family name, the others are given. Particles join the
 * next word, `e` joins both its neighbours, and Filho, Júnior, Neto, Sobrinho stay with the family name. The text stays verbatim.
 */
export function splitName(text: string): HumanName {
  const pieces = piecesOf(text);
  const family = pieces.length > 1 ? pieces.at(-1) : undefined;
  const given = family === undefined ? pieces : pieces.slice(0, -1);
  return { use: 'official', text, ...(family === undefined ? {} : { family }), given };
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let open = '';
  let glued = false;
  for (const word of text.split(/\s+/u).filter((part) => part !== '')) {
    const folded = foldText(word);
    if (folded === 'e' && pieces.length > 1 && open === '') {
      open = `${pieces.pop()} ${word} `;
      continue;
    }
    if (PARTICLES.has(folded) || folded === 'e') {
      open += `${word} `;
      continue;
    }
    // A suffix is no piece of its own, unless it is all there is after the given name.
    glued = SUFFIXES.has(folded) && pieces.length > 1 && open === '';
    if (glued) pieces.push(`${pieces.pop()} ${word}`);
    else pieces.push(open + word);
    open = '';
  }
  if (open !== '') pieces.push(open.trim());
  return pieces;
}

/** A name that comes in two cells; `text` is as the cells say. */
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
