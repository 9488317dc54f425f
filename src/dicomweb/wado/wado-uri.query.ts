import { z } from 'zod';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';
import type { PartialRegion } from '../../pixels/viewport.js';
import { BadRequest } from '../../problems/errors.js';
import { type MediaRange, parseAccept } from '../http/accept.js';
import { queryPairs } from '../http/query.pairs.js';
import { MAX_SIDE, RenderedParameters, type RenderedQuery } from '../rendered/rendered.query.js';

/** A parsed request of the URI service (PS3.18 §9): one instance, its media type, and the rendering parameters. */
export interface WadoUriQuery {
  readonly target: { readonly study: StudyUid; readonly series: SeriesUid; readonly instance: SopUid };
  /** `undefined` when the query has no `contentType`. */
  readonly contentType: readonly MediaRange[] | undefined;
  readonly transferSyntax: string | undefined;
  /** Whether the answer is a de-identified copy. */
  readonly deidentified: boolean;
  /** Counted from 1. */
  readonly frame: number | undefined;
  readonly picture: RenderedQuery;
  /** The presentation state that is applied to the image. It belongs to the same study. */
  readonly state: { readonly series: SeriesUid; readonly instance: SopUid } | undefined;
}

const number = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .transform(Number)
  .optional();
const side = number.refine((pixels) => pixels === undefined || pixels <= MAX_SIDE);
/** A decimal number from 0, without an exponent. */
const FRACTION = /^\+?\d(\.\d{0,17})?$/;
const decimal = z
  .string()
  .regex(/^[+-]?\d{1,9}(\.\d{1,9})?$/)
  .transform(Number)
  .optional();

/** The supported parameters. Other parameters, such as `charset`, are ignored, which PS3.18 §9.1.2 allows. */
export const WadoUriParameters = z.object({
  requestType: z.literal('WADO'),
  studyUID: StudyUid.describe('The study.'),
  seriesUID: SeriesUid.describe('The series.'),
  objectUID: SopUid.describe('The instance.'),
  contentType: z
    .string()
    .optional()
    .describe('Accepted media types; they replace those of the Accept header.'),
  transferSyntax: z
    .string()
    .regex(/^[0-9.]{1,64}$/)
    .optional()
    .describe('Only with contentType=application/dicom.'),
  // Any number of digits is accepted, so that a frame number that does not exist, such as 0, gives 404 and not 400.
  frameNumber: z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .optional()
    .describe('The frame of a picture, from 1.'),
  annotation: RenderedParameters.shape.annotation,
  region: z
    .string()
    .transform(readRegion)
    .optional()
    .describe('The part of the image: left,top,right,bottom, from 0.0 to 1.0 of its width and height.'),
  rows: side.describe('The most rows of a picture.'),
  columns: side.describe('The most columns of a picture.'),
  windowCenter: decimal.describe('In modality units, with windowWidth.'),
  windowWidth: decimal
    .refine((width) => width === undefined || width >= 1)
    .describe('At least 1, with windowCenter.'),
  imageQuality: number
    .refine((quality) => quality === undefined || quality <= 100)
    .describe('The quality of a JPEG, 1 to 100.'),
  anonymize: z
    .literal('yes')
    .optional()
    .describe('A de-identified copy (PS3.15 Annex E). Only with contentType=application/dicom.'),
  presentationUID: SopUid.optional().describe(
    'A presentation state of the study, with presentationSeriesUID. It is applied to the picture.',
  ),
  presentationSeriesUID: SeriesUid.optional().describe(
    'The series of the presentation state, with presentationUID.',
  ),
});
/** The parameters that a presentation state decides (PS3.18 §9.1.2, §9.5.1.2). */
const DECIDED_BY_STATE = ['region', 'windowCenter', 'windowWidth'];

/**
 * Parses a query string. Each parameter may occur only once. Throws `BadRequest` with the name of a missing, unsupported or invalid
 * parameter.
 */
export function parseWadoUriQuery(raw: string): WadoUriQuery {
  const given = new Map<string, string>();
  // Clients often do not encode the plus of a media type. A plus is never a space here, because no value contains a space.
  for (const [name, value] of queryPairs(raw.replaceAll('+', '%2B'))) {
    if (given.has(name))
      throw new BadRequest('duplicate-parameter', 'A parameter is repeated. Use each one once.');
    given.set(name, value);
  }
  const parsed = WadoUriParameters.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [name = 'query'] = parsed.error.issues.flatMap(({ path }) => path.map(String));
    throw new BadRequest('invalid-parameter', `The parameter ${name} is missing or invalid.`);
  }
  const { data } = parsed;
  const state = stateOf(data.presentationSeriesUID, data.presentationUID);
  const decided = DECIDED_BY_STATE.find((name) => given.has(name));
  if (state !== undefined && decided !== undefined)
    throw new BadRequest(
      'invalid-parameter',
      `The presentation state decides about ${decided}. Leave out ${decided} or presentationUID.`,
    );
  return {
    state,
    target: { study: data.studyUID, series: data.seriesUID, instance: data.objectUID },
    contentType: data.contentType === undefined ? undefined : parseAccept(data.contentType),
    transferSyntax: data.transferSyntax,
    deidentified: data.anonymize === 'yes',
    frame: data.frameNumber,
    picture: {
      ...viewportOf(data.columns, data.rows, data.region),
      ...linearWindow(data.windowCenter, data.windowWidth),
      ...(data.imageQuality === undefined ? {} : { quality: data.imageQuality }),
      ...(data.annotation === undefined ? {} : { annotation: data.annotation }),
    },
  };
}

/**
 * The viewport with this width, height and region (PS3.18 §9.5.2.5). If one side is missing, the maximum is used for this side, so that only
 * the given side limits the picture.
 */
function viewportOf(
  width: number | undefined,
  height: number | undefined,
  part: PartialRegion | undefined,
): Pick<RenderedQuery, 'viewport'> {
  const region = part === undefined ? {} : { part };
  if (width === undefined && height === undefined) return part === undefined ? {} : { viewport: region };
  return { viewport: { width: width ?? MAX_SIDE, height: height ?? MAX_SIDE, ...region } };
}

/** Parses a region (PS3.18 §9.5.1.2.5). */
function readRegion(text: string): PartialRegion {
  const parts = text.split(',');
  const [left = 1, top = 1, right = 0, bottom = 0] = parts.map((part) =>
    FRACTION.test(part) ? Number(part) : Number.NaN,
  );
  if (parts.length === 4 && left < right && right <= 1 && top < bottom && bottom <= 1)
    return { left, top, right, bottom };
  throw new BadRequest(
    'invalid-parameter',
    'Invalid region. Use region=left,top,right,bottom, with numbers from 0.0 to 1.0. Left is below right, and top is below bottom.',
  );
}

function stateOf(series: SeriesUid | undefined, instance: SopUid | undefined): WadoUriQuery['state'] {
  if (series === undefined && instance === undefined) return undefined;
  if (series === undefined || instance === undefined)
    throw new BadRequest(
      'invalid-parameter',
      'presentationUID and presentationSeriesUID belong together. Send both.',
    );
  return { series, instance };
}

function linearWindow(center: number | undefined, width: number | undefined): Pick<RenderedQuery, 'window'> {
  if (center === undefined && width === undefined) return {};
  if (center === undefined || width === undefined)
    throw new BadRequest('invalid-parameter', 'windowCenter and windowWidth belong together. Send both.');
  return { window: { center, width, shape: 'LINEAR' } };
}
