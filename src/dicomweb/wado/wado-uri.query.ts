import { z } from 'zod';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';
import { BadRequest } from '../../problems/errors.js';
import { type MediaRange, parseAccept } from '../http/accept.js';
import { pairs } from '../qido/qido.query.js';
import { LARGEST_SIDE, type RenderedQuery, windowOf } from './rendered.query.js';

/** A parsed request of the URI service (PS3.18 §9): one instance, as what, and how a picture of it is wanted. */
export interface WadoUriQuery {
  readonly target: { readonly study: StudyUid; readonly series: SeriesUid; readonly instance: SopUid };
  /** `undefined` when the client does not say. */
  readonly contentType: readonly MediaRange[] | undefined;
  readonly transferSyntax: string | undefined;
  /** Counted from 1. */
  readonly frame: number | undefined;
  readonly picture: RenderedQuery;
}

const number = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .transform(Number)
  .optional();
const side = number.refine((pixels) => pixels === undefined || pixels <= LARGEST_SIDE);
const decimal = z
  .string()
  .regex(/^[+-]?\d{1,9}(\.\d{1,9})?$/)
  .transform(Number)
  .optional();

/** What a request may say; `charset`, `annotation` and what is not here are ignored, as §9.1.2 lets a server do. */
const Parameters = z.object({
  requestType: z.literal('WADO'),
  studyUID: StudyUid,
  seriesUID: SeriesUid,
  objectUID: SopUid,
  contentType: z.string().optional(),
  transferSyntax: z
    .string()
    .regex(/^[0-9.]{1,64}$/)
    .optional(),
  // However many digits it has, and 0 as well, it is the number of a frame that may not be there: 404.
  frameNumber: z.string().regex(/^\d+$/).transform(Number).optional(),
  rows: side,
  columns: side,
  windowCenter: decimal,
  windowWidth: decimal.refine((width) => width === undefined || width >= 1),
  imageQuality: number.refine((quality) => quality === undefined || quality <= 100),
});
/** Ignoring these would answer another thing than was asked for. */
const NOT_OFFERED = ['anonymize', 'region', 'presentationUID', 'presentationSeriesUID'];

/** Reads the query, each parameter once; throws `BadRequest` naming the parameter that is absent, repeated or wrong. */
export function readWadoUriQuery(raw: string): WadoUriQuery {
  const given = new Map<string, string>();
  // The plus of a media type is often left as it is; no value here holds a space.
  for (const [name, value] of pairs(raw.replaceAll('+', '%2B'))) {
    if (given.has(name)) throw new BadRequest('duplicate-parameter', 'Each parameter may be given once.');
    given.set(name, value);
  }
  const refused = NOT_OFFERED.find((name) => given.has(name));
  if (refused !== undefined)
    throw new BadRequest('unsupported-parameter', `The parameter ${refused} is not offered.`);
  const parsed = Parameters.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [name = 'query'] = parsed.error.issues.flatMap(({ path }) => path.map(String));
    throw new BadRequest('invalid-parameter', `The parameter ${name} is missing or not valid.`);
  }
  const { data } = parsed;
  return {
    target: { study: data.studyUID, series: data.seriesUID, instance: data.objectUID },
    contentType: data.contentType === undefined ? undefined : parseAccept(data.contentType),
    transferSyntax: data.transferSyntax,
    frame: data.frameNumber,
    picture: {
      ...viewportOf(data.columns, data.rows),
      ...linearWindow(data.windowCenter, data.windowWidth),
      ...(data.imageQuality === undefined ? {} : { quality: data.imageQuality }),
    },
  };
}

/** A side that is not said is as long as the other lets it be. */
function viewportOf(width: number | undefined, height: number | undefined): Pick<RenderedQuery, 'viewport'> {
  if (width === undefined && height === undefined) return {};
  return { viewport: { width: width ?? LARGEST_SIDE, height: height ?? LARGEST_SIDE } };
}

function linearWindow(center: number | undefined, width: number | undefined): Pick<RenderedQuery, 'window'> {
  if (center === undefined && width === undefined) return {};
  if (center === undefined || width === undefined)
    throw new BadRequest('invalid-parameter', 'windowCenter and windowWidth are given together.');
  return { window: windowOf(center, width, 'linear') };
}
