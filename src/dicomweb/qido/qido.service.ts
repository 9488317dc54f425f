import { Inject, Injectable } from '@nestjs/common';
import type { AuditNote } from '../../audit/audit.note.js';
import { Lookup, type ResourceUids } from '../../catalog/lookup.service.js';
import type { Level } from '../../catalog/search.attributes.js';
import { attributesAt, type FoundItem, type Search, Searches } from '../../catalog/search.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { openDictionary } from '../../dicom/dictionary.js';
import { dataSetText, type JsonDataSet } from '../../dicom/json/dicom.json.js';
import { acceptedBy } from '../http/accept.js';
import { negotiateDataSets, writeXmlParts } from '../http/data.set.forms.js';
import { type DicomwebAnswer, VARY } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { foundDataSet, uidOf } from './found.data.sets.js';
import { Includefield, type IncludedAttributes } from './includefield.service.js';
import { type Include, parseQidoQuery, type QidoQuery } from './qido.query.js';

/**
 * Answers searches from the catalog. Attributes that are not in the catalog are read from the archive, only for the results of the page.
 */
@Injectable()
export class QidoService {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly searches: Searches,
    private readonly lookup: Lookup,
    private readonly includefield: Includefield,
  ) {}

  /** Searches all studies that the account may read. */
  searchAll(request: DicomwebRequest, level: Level): Promise<DicomwebAnswer> {
    return this.search(request, level, 'root', [], {});
  }

  /** Searches in one study or series. Throws `NotVisible` when the account may not read this study or series. */
  async searchWithin(request: DicomwebRequest, level: Level, target: ResourceUids): Promise<DicomwebAnswer> {
    const patient = await this.lookup.demand(request.policy, 'studies:read', target);
    const facts = { studyUid: target.study, ...patient };
    request.note(facts);
    const path = [...uidFilter('0020000D', target.study), ...uidFilter('0020000E', target.series)];
    return this.search(request, level, 'below', path, facts);
  }

  private async search(
    request: DicomwebRequest,
    level: Level,
    page: 'root' | 'below',
    path: Search['filters'],
    facts: AuditNote,
  ): Promise<DicomwebAnswer> {
    const form = negotiateDataSets(acceptedBy(request), false);
    const query = parseQidoQuery(request.query, level, page);
    const { attributes, unknown } = await attributesOf(query.include);
    const search = { ...query.search, filters: [...path, ...query.search.filters] };
    const { total, items } = await this.searches.run(request.policy, search, request.signal);
    const detail = { answered: items.length, total };
    request.note({ ...exactKeys(query.search.filters), ...facts, detail });
    const included = await this.included(request, level, items, attributes);
    const dataSets = items.map((item) =>
      foundDataSet(this.env.PUBLIC_URL, item, level, included.get(uidOf(item, level) ?? '') ?? {}),
    );
    const more = total - query.search.offset - items.length;
    const headers = { ...warnings(query, more, unknown), 'x-total-count': total, ...UNCACHED };
    if (form !== 'xml' && form !== 'xml-parts') {
      // The body is a buffer, because Fastify adds a charset to the media type of a string. DICOM JSON has no charset, and the Python
      // client does not expect one.
      const body = Buffer.from(`[${dataSets.map(dataSetText).join(',')}]`);
      return { status: 200, headers: { ...headers, 'content-type': form }, body };
    }
    // A multipart body needs at least one part (RFC 2046 §5.1).
    if (dataSets.length === 0) return { status: 204, headers, body: undefined };
    const { contentType, stream } = writeXmlParts(dataSets);
    return { status: 200, headers: { ...headers, 'content-type': contentType }, body: stream };
  }

  /** The included attributes from the archive, by the UID of the search result. */
  private async included(
    { policy, signal }: DicomwebRequest,
    level: Level,
    items: readonly FoundItem[],
    attributes: IncludedAttributes,
  ): Promise<ReadonlyMap<string, JsonDataSet>> {
    const uids = items.flatMap((item) => uidOf(item, level) ?? []);
    if ((!attributes.all && attributes.tags.size === 0) || uids.length === 0) return new Map();
    return this.includefield.read(policy, level, uids, attributes, signal);
  }
}

const UNCACHED = { 'cache-control': 'no-store', vary: VARY } as const;
/** A value of at most 256 characters without wildcards. */
const EXACT = /^[^*?]{1,256}$/;

/** The included attributes by tag, and the number of keywords that are not in the dictionary. */
async function attributesOf({
  all,
  tags,
  keywords,
}: Include): Promise<{ attributes: IncludedAttributes; unknown: number }> {
  if (keywords.length === 0) return { attributes: { all, tags: new Set(tags) }, unknown: 0 };
  const dictionary = await openDictionary();
  const known = keywords.flatMap((keyword) => dictionary.tagOf(keyword) ?? []);
  return { attributes: { all, tags: new Set([...tags, ...known]) }, unknown: keywords.length - known.length };
}

/** The study or patient that a search names exactly. The audit can then also show who searched for a patient and found nothing. */
function exactKeys(filters: Search['filters']): AuditNote {
  const exact = (tag: string) => {
    const match = filters.find(({ attribute }) => attribute.tag === tag)?.match;
    return match?.kind === 'value' && EXACT.test(match.value) ? match.value : undefined;
  };
  const [studyUid, patientId] = [exact('0020000D'), exact('00100020')];
  return { ...(studyUid !== undefined && { studyUid }), ...(patientId !== undefined && { patientId }) };
}

/** Converts a UID of the path to a filter. */
function uidFilter(tag: string, value: string | undefined): Search['filters'] {
  const attribute = attributesAt('series').find((one) => one.tag === tag);
  if (attribute === undefined || value === undefined) return [];
  return [{ attribute, match: { kind: 'value', value } }];
}

/** The `Warning` header (PS3.18 §8.3.4.4). It says how many results follow this page and how many parameters were ignored. */
function warnings({ unknownKeys: { length: keys } }: QidoQuery, more: number, fields: number) {
  const texts = [
    ...(more > 0 ? [`There are ${more} additional results that can be requested`] : []),
    ...(keys > 0 ? [`${keys} unknown ${keys === 1 ? 'key was' : 'keys were'} ignored`] : []),
    ...(fields > 0 ? [`${fields} unknown fields were not included`] : []),
  ];
  return texts.length === 0 ? {} : { warning: texts.map((text) => `299 radgate "${text}"`).join(', ') };
}
