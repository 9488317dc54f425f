import type { FoundInstance } from '../../catalog/lookup.service.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from '../http/accept.js';
import { canBePictured, ENCAPSULATED_PDF, videoType } from '../../dicom/transfer.syntaxes.js';

const PDF = 'application/pdf';

/** How pictures are sent: in parts or as one body, and as what. */
export interface PictureRepresentation {
  readonly multipart: boolean;
  readonly type: 'image/jpeg' | 'image/png';
}

/** The rendered media types of an instance, its default first (PS3.18 §8.7.4); empty if it cannot be rendered. */
export function renderedTypesOf(instance: FoundInstance): readonly string[] {
  if (instance.sopClassUid === ENCAPSULATED_PDF) return [PDF];
  const video = videoType(instance.transferSyntax);
  if (video !== undefined) return [video];
  return canBePictured(instance) ? ['image/jpeg', 'image/png'] : [];
}

/** Whether a media range, by itself or as the type of parts, is of what the instance is rendered as and of nothing else. */
export function isOfRendered({ type, parameters, ...range }: MediaRange, instance: FoundInstance): boolean {
  const inParts = type === 'multipart/related' ? parameters.get('type')?.toLowerCase() : undefined;
  const asked = { ...range, parameters, type: inParts ?? type };
  if (/^(\*|application|multipart)\/\*$/.test(asked.type)) return false;
  return renderedTypesOf(instance).some((one) => covers(asked, one));
}

/** The best liked of JPEG and PNG; 406 when neither is taken. `single`: one picture was asked for, and one body is natural. */
export function negotiatePictures(accepted: readonly MediaRange[], single: boolean): PictureRepresentation {
  for (const range of accepted) {
    // Whoever takes anything gets what is natural.
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
      : 'Several pictures are available as multipart/related; type="image/jpeg" or type="image/png".',
  );
}

function pictureType(range: MediaRange): 'image/jpeg' | 'image/png' | undefined {
  if (covers(range, 'image/jpeg')) return 'image/jpeg';
  return covers(range, 'image/png') ? 'image/png' : undefined;
}

/** Whether documents are sent in parts, or the only one as one body, which is natural; 406 when the client takes neither. */
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

/** Throws `NotAcceptable` unless the client takes this media type, as which alone the thing can be shown. */
export function demandType(accepted: readonly MediaRange[], type: string): void {
  const taken = accepted.some((range) => {
    if (range.type !== 'multipart/related') return covers(range, type);
    return false;
  });
  if (!taken) throw new NotAcceptable('not-acceptable', `This instance is rendered as ${type} only.`);
}
