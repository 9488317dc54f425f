import type { FoundInstance } from '../../catalog/lookup.service.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from '../http/accept.js';
import {
  canBeCompressed,
  canBeDecoded,
  comesAsLittleEndian,
  compressedType,
  compressionOf,
  EXPLICIT_LITTLE_ENDIAN,
  defaultCompressed,
} from '../../dicom/transfer.syntaxes.js';

/** How frames are sent: multipart or single body, media type, and transfer syntax. */
export interface Representation {
  readonly multipart: boolean;
  readonly type: string;
  readonly transferSyntax: string;
  /** Whether the frames are decoded. */
  readonly decoded: boolean;
  /** Whether the frames are compressed for this answer. */
  readonly encoded?: true;
}

/** The Content-Type of a part, with its transfer syntax. */
export function contentType({ type, transferSyntax }: Representation): string {
  return `${type}; transfer-syntax=${transferSyntax}`;
}

const OCTETS = 'application/octet-stream';

/** Whether a media range is multipart. */
export function isMultipart(range: MediaRange): boolean {
  return range.type === 'multipart/related' || range.type === 'multipart/*';
}

/** Whether the client accepts the stored transfer syntax: the client gave no transfer syntax, `*`, or the stored one. */
function syntaxFits(asked: string | undefined, stored: string): boolean {
  return asked === undefined || asked === '*' || asked === stored;
}

/**
 * Chooses how the value of an element is sent: multipart or single body, and the media type. The media type is `application/octet-stream`,
 * or `own`, the media type of a document. Throws `NotAcceptable`.
 */
export function negotiateBulk(
  accepted: readonly MediaRange[],
  own: string | undefined,
): { readonly multipart: boolean; readonly type: string } {
  const types = own === undefined ? [OCTETS] : [OCTETS, own];
  for (const range of accepted) {
    if (range.type === '*/*' && covers(range, 'multipart/related')) return { multipart: true, type: OCTETS };
    const multipart = isMultipart(range);
    const asked: MediaRange = multipart
      ? {
          type: range.parameters.get('type')?.toLowerCase() ?? OCTETS,
          parameters: range.parameters,
          q: range.q,
        }
      : range;
    const type = types.find((one) => covers(asked, one));
    if (type !== undefined) return { multipart, type };
  }
  throw new NotAcceptable(
    'not-acceptable',
    `This value is available as ${types.join(' and ')}, alone or in multipart/related.`,
  );
}

/**
 * The accepted media ranges when the pixels cannot be decoded. A media range without a transfer syntax then accepts the stored transfer
 * syntax.
 */
export function acceptedAsStored(accepted: readonly MediaRange[]): readonly MediaRange[] {
  return accepted.map((range) =>
    range.parameters.has('transfer-syntax')
      ? range
      : { ...range, parameters: new Map([...range.parameters, ['transfer-syntax', '*']]) },
  );
}

/**
 * The client's preferred representation of frames. If the client prefers several representations equally, the frames are sent as stored.
 * Throws `NotAcceptable`.
 */
export function negotiateFrames(
  accepted: readonly MediaRange[],
  instance: FoundInstance,
  single: boolean,
): Representation {
  let best: { readonly found: Representation; readonly q: number } | undefined;
  for (const range of accepted) {
    const found = framesFor(range, instance, single);
    if (found === undefined) continue;
    const better = best === undefined || (range.q === best.q && workFor(found) < workFor(best.found));
    if (better) best = { found, q: range.q };
  }
  if (best !== undefined) return best.found;
  throw new NotAcceptable(
    'not-acceptable',
    'The frames are not available in an accepted media type and transfer syntax.',
  );
}

/** How much work a representation is: frames as stored, decoded frames, or frames that are decoded and compressed. */
function workFor({ decoded, encoded }: Representation): number {
  if (encoded === true) return 2;
  return decoded ? 1 : 0;
}

function framesFor(range: MediaRange, instance: FoundInstance, single: boolean): Representation | undefined {
  const stored = instance.transferSyntax;
  const syntax = range.parameters.get('transfer-syntax');
  const image = compressedType(stored);
  const asStored = { transferSyntax: announcedSyntax(stored), decoded: false };
  if (range.type === '*/*' && covers(range, 'multipart/related'))
    return { multipart: true, type: image ?? OCTETS, ...asStored };
  const multipart = isMultipart(range);
  if (!multipart && !single) return undefined;
  const asked: MediaRange = multipart
    ? { ...range, type: range.parameters.get('type')?.toLowerCase() ?? OCTETS }
    : range;
  // The image type is tried before `application/octet-stream`. A client that accepts any multipart type, such as the Python client by
  // default, therefore gets the stored frames.
  if (image !== undefined && covers(asked, image) && syntaxFits(syntax, stored))
    return { multipart, type: image, ...asStored };
  if (covers(asked, OCTETS) && (syntax === '*' || syntax === stored))
    return { multipart, type: OCTETS, ...asStored };
  const compressed = compressedFor(asked, syntax);
  if (compressed !== undefined && canBeCompressed(instance)) return { multipart, ...compressed };
  if (!covers(asked, OCTETS)) return undefined;
  if (syntax !== undefined && syntax !== EXPLICIT_LITTLE_ENDIAN) return undefined;
  const asLittle = { multipart, type: OCTETS, transferSyntax: EXPLICIT_LITTLE_ENDIAN };
  if (comesAsLittleEndian(stored)) return { ...asLittle, decoded: false };
  return canBeDecoded(instance) ? { ...asLittle, decoded: true } : undefined;
}

/** The compressed form of frames that a media range names, by its transfer syntax or its media type (PS3.18 §8.7.3.3.2). */
function compressedFor(
  asked: MediaRange,
  syntax: string | undefined,
): Omit<Representation, 'multipart'> | undefined {
  const transferSyntax = syntax ?? defaultCompressed(asked.type);
  if (transferSyntax === undefined || compressionOf(transferSyntax) === undefined) return undefined;
  const type = [compressedType(transferSyntax) ?? OCTETS, OCTETS].find((one) => covers(asked, one));
  return type === undefined ? undefined : { type, transferSyntax, decoded: false, encoded: true };
}

/** The transfer syntax to announce. For uncompressed pixels, PS3.18 §8.7.3.3.2 allows only Explicit VR Little Endian. */
function announcedSyntax(stored: string): string {
  return comesAsLittleEndian(stored) ? EXPLICIT_LITTLE_ENDIAN : stored;
}
