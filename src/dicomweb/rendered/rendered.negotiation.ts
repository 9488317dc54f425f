import type { FoundInstance } from '../../catalog/lookup.service.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from '../http/accept.js';
import { documentTypeOf } from '../../dicom/json/encapsulated.documents.js';
import { isReport } from '../../dicom/report/report.content.js';
import { canBeRendered, videoType } from '../../dicom/transfer.syntaxes.js';

/** The media types of reports, the default first (PS3.18 §8.7.4, resource category Text). */
const REPORTS = ['text/html', 'text/plain'] as const;

/** The media types of pictures, the default first. */
const PICTURES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] as const;
type PictureType = (typeof PICTURES)[number];

/** How pictures are sent: in parts or as one body, and with which media type. */
export interface PictureRepresentation {
  readonly multipart: boolean;
  readonly type: PictureType;
}

/** The media type of an animation (PS3.18 §8.7.4). `undefined` when a single body of this representation is one picture. */
export function animatedType({
  multipart,
  type,
}: PictureRepresentation): 'image/gif' | 'image/webp' | undefined {
  return !multipart && (type === 'image/gif' || type === 'image/webp') ? type : undefined;
}

/** The rendered media types of an instance (PS3.18 §8.7.4), the default first. Empty when the instance cannot be rendered. */
export function renderedTypesOf(instance: FoundInstance): readonly string[] {
  const documents = documentTypesOf(instance);
  if (documents.length > 0) return documents;
  const video = videoType(instance.transferSyntax);
  if (video !== undefined) return [video];
  return canBeRendered(instance) ? PICTURES : [];
}

/** The media types of the document of an instance, the default first. Empty when the instance is not a document. */
export function documentTypesOf({ sopClassUid }: Pick<FoundInstance, 'sopClassUid'>): readonly string[] {
  if (isReport(sopClassUid)) return REPORTS;
  const type = documentTypeOf(sopClassUid);
  return type === undefined ? [] : [type];
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
 * The client's preferred media type of pictures. `content`: whether one body can contain them. It can contain one picture, and the frames of
 * one instance as an animation. Throws `NotAcceptable`.
 */
export function negotiatePictures(
  accepted: readonly MediaRange[],
  content: 'picture' | 'frames' | 'instances',
): PictureRepresentation {
  for (const range of accepted) {
    // A client that accepts any type gets a single picture as the whole body.
    const multipart = covers(range, 'multipart/related') && !(content === 'picture' && range.type === '*/*');
    const type = multipart ? (range.parameters.get('type')?.toLowerCase() ?? 'image/*') : range.type;
    const found = PICTURES.find((one) => covers({ ...range, type }, one));
    if (found === undefined) continue;
    const representation = { multipart, type: found };
    const isAnimated = content === 'frames' && animatedType(representation) !== undefined;
    if (multipart || content === 'picture' || isAnimated) return representation;
  }
  throw new NotAcceptable('not-acceptable', AVAILABLE[content]);
}

const AVAILABLE = {
  picture: 'Pictures are available as image/jpeg, image/png, image/webp and image/gif.',
  frames:
    'Several frames are available as multipart/related; type="image/jpeg", or as an animation: image/gif or image/webp.',
  instances:
    'More than one picture can only be sent as multipart/related; type="image/jpeg" or type="image/png".',
};

/** How documents are sent: in parts or as one body, and with which media type. */
export interface DocumentRepresentation {
  readonly multipart: boolean;
  readonly type: string;
}

/**
 * The client's preferred media type of documents. If the client prefers several equally, the first document decides. One body can contain
 * one document. Throws `NotAcceptable`.
 */
export function negotiateDocuments(
  accepted: readonly MediaRange[],
  documents: readonly FoundInstance[],
): DocumentRepresentation {
  const types = [...new Set(documents.flatMap(documentTypesOf))];
  const isAlone = (type: string) =>
    documents.filter((one) => documentTypesOf(one).includes(type)).length === 1;
  for (const range of accepted) {
    const alone = types.find((one) => covers(range, one));
    if (alone !== undefined && isAlone(alone)) return { multipart: false, type: alone };
    if (!covers(range, 'multipart/related')) continue;
    const asked = range.parameters.get('type')?.toLowerCase() ?? '*/*';
    const type = types.find((one) => covers({ ...range, type: asked }, one));
    if (type !== undefined) return { multipart: true, type };
  }
  throw new NotAcceptable(
    'not-acceptable',
    `This is rendered as ${types.join(' or ')}. For several documents, use multipart/related; type="${types[0]}".`,
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
