import { NotAcceptable } from '../problems/errors.js';
import { covers, type MediaRange } from './accept.js';
import { comesAsLittleEndian, compressedType, EXPLICIT_LITTLE_ENDIAN } from './transfer.syntaxes.js';

/** How an answer is written: in parts or as one body, and the media type of each part. */
export interface Representation {
  readonly multipart: boolean;
  readonly type: string;
  readonly transferSyntax: string;
}

/** The media type with its transfer syntax, as a part's Content-Type. */
export function contentType({ type, transferSyntax }: Representation): string {
  return `${type}; transfer-syntax=${transferSyntax}`;
}

const OCTETS = 'application/octet-stream';

/**
 * Whether DICOM files may be sent in parts, or (one instance) as one body; 406 otherwise. `stored` are the transfer syntaxes of all,
 * which are sent as they are; `single`: one instance was asked for.
 */
export function negotiateFile(
  accepted: readonly MediaRange[],
  stored: readonly string[],
  single: boolean,
): { readonly multipart: boolean } {
  for (const range of accepted) {
    const wish = range.parameters.get('transfer-syntax');
    if (!stored.every((syntax) => syntaxFits(wish, syntax))) continue;
    const type = range.parameters.get('type')?.toLowerCase() ?? 'application/dicom';
    if ((range.type === 'multipart/related' || range.type === 'multipart/*') && type === 'application/dicom')
      return { multipart: true };
    if (range.type === '*/*') return { multipart: true };
    if (single && range.type === 'application/dicom') return { multipart: false };
  }
  throw new NotAcceptable('Instances are available as multipart/related; type="application/dicom".');
}

/** Whether a stored transfer syntax satisfies a wish: none said (as stored), `*`, or the same. */
function syntaxFits(wish: string | undefined, stored: string): boolean {
  return wish === undefined || wish === '*' || wish === stored;
}

/** Whether one element's value is sent in parts or as one body; 406 when the client takes neither. */
export function negotiateBulk(accepted: readonly MediaRange[]): { readonly multipart: boolean } {
  for (const range of accepted) {
    const type = range.parameters.get('type')?.toLowerCase() ?? OCTETS;
    if (range.type === '*/*') return { multipart: true };
    if (range.type === 'multipart/related' && (type === OCTETS || type === '*/*')) return { multipart: true };
    if (covers(range, OCTETS)) return { multipart: false };
  }
  throw new NotAcceptable('Bulk data is available as application/octet-stream.');
}

/** The first representation of frames the client takes and the archive holds; 406 when there is none. */
export function negotiateFrames(
  accepted: readonly MediaRange[],
  stored: string,
  single: boolean,
): Representation {
  for (const range of accepted) {
    const found = framesFor(range, stored, single);
    if (found !== undefined) return found;
  }
  throw new NotAcceptable(
    'The frames are not available in any of the asked media types and transfer syntaxes.',
  );
}

function framesFor(range: MediaRange, stored: string, single: boolean): Representation | undefined {
  const wish = range.parameters.get('transfer-syntax');
  const image = compressedType(stored);
  if (range.type === '*/*') return { multipart: true, type: image ?? OCTETS, transferSyntax: plain(stored) };
  const multipart = range.type === 'multipart/related' || range.type === 'multipart/*';
  if (!multipart && !single) return undefined;
  const asked: MediaRange = multipart
    ? { ...range, type: range.parameters.get('type')?.toLowerCase() ?? OCTETS }
    : range;
  // Before octets: a client that takes anything in parts (Python's, when told nothing) takes what is stored.
  if (image !== undefined && covers(asked, image) && syntaxFits(wish, stored)) {
    return { multipart, type: image, transferSyntax: stored };
  }
  if (covers(asked, OCTETS)) {
    if (wish === '*' || wish === stored) return { multipart, type: OCTETS, transferSyntax: plain(stored) };
    const uncompressed = (wish ?? EXPLICIT_LITTLE_ENDIAN) === EXPLICIT_LITTLE_ENDIAN;
    return uncompressed && comesAsLittleEndian(stored)
      ? { multipart, type: OCTETS, transferSyntax: EXPLICIT_LITTLE_ENDIAN }
      : undefined;
  }
  return undefined;
}

/** What uncompressed pixels are called: PS3.18 §8.7.3.3.2 knows only Explicit VR Little Endian. */
function plain(stored: string): string {
  return comesAsLittleEndian(stored) ? EXPLICIT_LITTLE_ENDIAN : stored;
}
