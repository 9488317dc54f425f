import type { FoundInstance } from '../../catalog/lookup.service.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from '../http/accept.js';
import { canBeRendered, ENCAPSULATED_PDF, videoType } from '../../dicom/transfer.syntaxes.js';

const PDF = 'application/pdf';

/** How pictures are sent: in parts or as one body, and with which media type. */
export interface PictureRepresentation {
  readonly multipart: boolean;
  readonly type: 'image/jpeg' | 'image/png';
}

/** The rendered media types of an instance (PS3.18 §8.7.4), the default first. Empty when the instance cannot be rendered. */
export function renderedTypesOf(instance: FoundInstance): readonly string[] {
  if (instance.sopClassUid === ENCAPSULATED_PDF) return [PDF];
  const video = videoType(instance.transferSyntax);
  if (video !== undefined) return [video];
  return canBeRendered(instance) ? ['image/jpeg', 'image/png'] : [];
}

/**
 * Whether a media range covers a rendered media type of the instance. Ranges that also cover files or metadata do not count. For
 * multipart/related, the `type` parameter is compared.
 */
export function isOfRendered({ type, parameters, ...range }: MediaRange, instance: FoundInstance): boolean {
  const inParts = type === 'multipart/related' ? parameters.get('type')?.toLowerCase() : undefined;
  const asked = { ...range, parameters, type: inParts ?? type };
  if (/^(\*|application|multipart)\/\*$/.test(asked.type)) return false;
  return renderedTypesOf(instance).some((one) => covers(asked, one));
}

/**
 * The client's preferred media type: JPEG or PNG. `single`: only one picture was requested, so that it can be the whole body. Throws
 * `NotAcceptable`.
 */
export function negotiatePictures(accepted: readonly MediaRange[], single: boolean): PictureRepresentation {
  for (const range of accepted) {
    // A client that accepts any type gets a single picture as the whole body.
    const multipart = covers(range, 'multipart/related') && !(single && range.type === '*/*');
    if (!multipart && !single) continue;
    const type = multipart ? (range.parameters.get('type')?.toLowerCase() ?? 'image/*') : range.type;
    const found = pictureType({ ...range, type });
    if (found !== undefined) return { multipart, type: found };
  }
  throw new NotAcceptable(
    'not-acceptable',
    single
      ? 'Pictures are available as image/jpeg and image/png.'
      : 'More than one picture can only be sent as multipart/related; type="image/jpeg" or type="image/png".',
  );
}

function pictureType(range: MediaRange): 'image/jpeg' | 'image/png' | undefined {
  if (covers(range, 'image/jpeg')) return 'image/jpeg';
  return covers(range, 'image/png') ? 'image/png' : undefined;
}

/** Whether documents are sent in parts, or as the whole body if there is only one document (`single`). Throws `NotAcceptable`. */
export function negotiateDocuments(accepted: readonly MediaRange[], single: boolean): 'parts' | 'body' {
  for (const range of accepted) {
    if (single && covers(range, PDF)) return 'body';
    if (!covers(range, 'multipart/related')) continue;
    const type = range.parameters.get('type')?.toLowerCase() ?? PDF;
    if (covers({ ...range, type }, PDF)) return 'parts';
  }
  throw new NotAcceptable(
    'not-acceptable',
    `This is rendered as ${single ? `${PDF} or ` : ''}multipart/related; type="${PDF}".`,
  );
}

/** Throws `NotAcceptable` unless the client accepts this media type. The instance has no other rendered media type. */
export function requireType(accepted: readonly MediaRange[], type: string): void {
  const isAccepted = accepted.some((range) => {
    if (range.type !== 'multipart/related') return covers(range, type);
    return false;
  });
  if (!isAccepted) throw new NotAcceptable('not-acceptable', `This instance is rendered as ${type} only.`);
}
