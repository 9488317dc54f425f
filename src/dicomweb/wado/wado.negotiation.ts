import type { FoundInstance } from '../../catalog/lookup.service.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from '../http/accept.js';
import {
  canBeDecoded,
  comesAsLittleEndian,
  compressedType,
  EXPLICIT_LITTLE_ENDIAN,
  type Uncompressed,
  uncompressedTarget,
} from '../../dicom/transfer.syntaxes.js';

/** How an answer is written: in parts or as one body, and the media type of each part. */
export interface Representation {
  readonly multipart: boolean;
  readonly type: string;
  readonly transferSyntax: string;
  /** Not as stored: the archive decodes first. */
  readonly decoded: boolean;
}

/** How files are sent: in parts or as one body, as stored or decoded `into` an uncompressed transfer syntax. */
export interface FileRepresentation {
  readonly multipart: boolean;
  readonly into: Uncompressed | undefined;
}

/** The media type with its transfer syntax, as a part's Content-Type. */
export function contentType({ type, transferSyntax }: Representation): string {
  return `${type}; transfer-syntax=${transferSyntax}`;
}

const OCTETS = 'application/octet-stream';

/** How DICOM files may be sent, as {@link findFile}; throws `NotAcceptable` when not at all. */
export function negotiateFile(
  accepted: readonly MediaRange[],
  instances: readonly FoundInstance[],
  single: boolean,
): FileRepresentation {
  const found = findFile(accepted, instances, single);
  if (found !== undefined) return found;
  throw new NotAcceptable(
    'not-acceptable',
    'Instances are available as multipart/related; type="application/dicom", as they are stored or in Explicit VR Little Endian.',
  );
}

/**
 * How DICOM files may be sent; `undefined` when not at all. What is stored is preferred and nothing is ever compressed; `single`: one
 * instance was asked for. No transfer syntax said is any (docs/conformance.md).
 */
export function findFile(
  accepted: readonly MediaRange[],
  instances: readonly FoundInstance[],
  single: boolean,
): FileRepresentation | undefined {
  const inWishes = accepted.filter((range) => fileShape(range, single) !== undefined);
  const stored = inWishes.find((range) => {
    const wish = range.parameters.get('transfer-syntax');
    return instances.every((instance) => syntaxFits(wish, instance.transferSyntax));
  });
  const decoded = inWishes.find((range) => {
    const into = uncompressedTarget(range.parameters.get('transfer-syntax'));
    const can = (one: FoundInstance) => one.transferSyntax === into || canBeDecoded(one);
    return into !== undefined && instances.every(can);
  });
  // The client's preference decides, and what is stored between equals.
  const chosen = (decoded?.q ?? 0) > (stored?.q ?? 0) ? decoded : stored;
  if (chosen === undefined) return undefined;
  const into = chosen === stored ? undefined : uncompressedTarget(chosen.parameters.get('transfer-syntax'));
  return { multipart: fileShape(chosen, single) === 'parts', into };
}

function fileShape(range: MediaRange, single: boolean): 'parts' | 'body' | undefined {
  const type = range.parameters.get('type')?.toLowerCase() ?? 'application/dicom';
  if (isMultipart(range)) return type === 'application/dicom' ? 'parts' : undefined;
  if (range.type === '*/*' && covers(range, 'multipart/related')) return 'parts';
  return single && covers(range, 'application/dicom') ? 'body' : undefined;
}

function isMultipart(range: MediaRange): boolean {
  return range.type === 'multipart/related' || range.type === 'multipart/*';
}

/** Whether a stored transfer syntax satisfies a wish: none said (as stored), `*`, or the same. */
function syntaxFits(wish: string | undefined, stored: string): boolean {
  return wish === undefined || wish === '*' || wish === stored;
}

/**
 * Whether one element's value is sent in parts or as one body, and as `application/octet-stream` or as a document of its `own` media type; 406 when the
 * client takes neither.
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

/** What is accepted where pixels cannot be decoded: octets of which no transfer syntax is said are the stored ones, and say so. */
export function acceptedAsStored(accepted: readonly MediaRange[]): readonly MediaRange[] {
  return accepted.map((range) =>
    range.parameters.has('transfer-syntax')
      ? range
      : { ...range, parameters: new Map([...range.parameters, ['transfer-syntax', '*']]) },
  );
}

/** The representation of frames the client likes best, as stored between equals; 406 when there is none. */
export function negotiateFrames(
  accepted: readonly MediaRange[],
  instance: FoundInstance,
  single: boolean,
): Representation {
  let best: { readonly found: Representation; readonly q: number } | undefined;
  for (const range of accepted) {
    const found = framesFor(range, instance, single);
    if (found === undefined) continue;
    const better = best === undefined || (range.q === best.q && best.found.decoded && !found.decoded);
    if (better) best = { found, q: range.q };
  }
  if (best !== undefined) return best.found;
  throw new NotAcceptable(
    'not-acceptable',
    'The frames are not available in any of the asked media types and transfer syntaxes.',
  );
}

function framesFor(range: MediaRange, instance: FoundInstance, single: boolean): Representation | undefined {
  const stored = instance.transferSyntax;
  const wish = range.parameters.get('transfer-syntax');
  const image = compressedType(stored);
  const asStored = { transferSyntax: plain(stored), decoded: false };
  if (range.type === '*/*' && covers(range, 'multipart/related'))
    return { multipart: true, type: image ?? OCTETS, ...asStored };
  const multipart = isMultipart(range);
  if (!multipart && !single) return undefined;
  const asked: MediaRange = multipart
    ? { ...range, type: range.parameters.get('type')?.toLowerCase() ?? OCTETS }
    : range;
  // Before octets: a client that takes anything in parts (Python's, when told nothing) takes what is stored.
  if (image !== undefined && covers(asked, image) && syntaxFits(wish, stored))
    return { multipart, type: image, ...asStored };
  if (!covers(asked, OCTETS)) return undefined;
  if (wish === '*' || wish === stored) return { multipart, type: OCTETS, ...asStored };
  if (wish !== undefined && wish !== EXPLICIT_LITTLE_ENDIAN) return undefined;
  const asLittle = { multipart, type: OCTETS, transferSyntax: EXPLICIT_LITTLE_ENDIAN };
  if (comesAsLittleEndian(stored)) return { ...asLittle, decoded: false };
  return canBeDecoded(instance) ? { ...asLittle, decoded: true } : undefined;
}

/** What uncompressed pixels are called: PS3.18 §8.7.3.3.2 knows only Explicit VR Little Endian. */
function plain(stored: string): string {
  return comesAsLittleEndian(stored) ? EXPLICIT_LITTLE_ENDIAN : stored;
}
