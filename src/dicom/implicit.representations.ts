import type { RepresentationOf } from './data.set.recoder.js';
import { openDictionary } from './dictionary.js';

/**
 * The value representations of implicit data sets (PS3.5 §A.1) by PS3.6: words where there is a choice of bytes and words, by the pixels' own sign where there is
 * one of signed and unsigned, UN for what the dictionary does not know, private elements among them.
 */
export async function implicitRepresentations(): Promise<RepresentationOf> {
  const dictionary = await openDictionary();
  return (tag, isSigned) => {
    const [group, element] = [tag >>> 16, tag & 0xffff];
    if (element === 0) return 'UL';
    if (group % 2 === 1) return element >= 0x10 && element <= 0xff ? 'LO' : 'UN';
    const written = dictionary.representationOf(tag.toString(16).padStart(8, '0').toUpperCase()) ?? 'UN';
    if (written.includes('OW')) return 'OW';
    if (written.includes(' or ')) return isSigned ? 'SS' : 'US';
    return /^[A-Z]{2}$/.test(written) ? written : 'UN';
  };
}
