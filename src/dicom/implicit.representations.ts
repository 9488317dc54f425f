import type { RepresentationOf } from './data.set.recoder.js';
import { openDictionary } from './dictionary.js';

/**
 * Returns a function that gives the VR of an element in an implicit VR data set (PS3.5 §A.1), according to PS3.6. If PS3.6 allows several
 * VRs, the result is OW for bytes or words. For numbers, it is SS if the pixels are signed, and US if they are not. Private creators are
 * LO. Unknown elements and other private elements are UN.
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
