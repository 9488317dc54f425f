import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuditNote } from '../../audit/audit.note.js';
import { May, Requires } from '../../authz/authz.guard.js';
import type { Policy } from '../../authz/policy.js';
import { Lookup, type Target } from '../../catalog/lookup.service.js';
import type { CatalogAttribute, Level } from '../../catalog/search.attributes.js';
import { attributesAt, type FoundItem, type Search, Searches } from '../../catalog/search.service.js';
import { SeriesUid, StudyUid } from '../../dicom/uids.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { acceptedBy } from '../http/accept.js';
import { negotiateDataSets, writeXmlParts } from '../http/data.set.replies.js';
import {
  dataSetText,
  inOrder,
  type JsonAttribute,
  jsonAttribute,
  type JsonDataSet,
} from '../../dicom/json/dicom.json.js';
import { openDictionary } from '../../dicom/dictionary.js';
import { disconnectSignal } from '../http/disconnect.signal.js';
import { Includefield } from './includefield.service.js';
import { type Include, parseQidoQuery } from './qido.query.js';
import { resourceUrl } from '../http/resource.urls.js';
import { queryOf, StudyParam, SeriesParam } from '../http/uid.params.js';

/** Search Transaction (QIDO-RS, PS3.18 §10.6), answered from the catalog; only what it does not hold is asked of the archive, for that page. */
@Controller('dicom-web')
@Requires('studies:read')
export class QidoController {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly searches: Searches,
    private readonly lookup: Lookup,
    private readonly further: Includefield,
  ) {}

  /** All studies this account may read, newest first. */
  @Get('studies')
  studies(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @May() policy: Policy) {
    return this.answer(request, reply, policy, 'study', 'root', []);
  }

  /** Series of all studies. */
  @Get('series')
  allSeries(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @May() policy: Policy) {
    return this.answer(request, reply, policy, 'series', 'root', []);
  }

  /** Instances of all studies. */
  @Get('instances')
  allInstances(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @May() policy: Policy) {
    return this.answer(request, reply, policy, 'instance', 'root', []);
  }

  /** The series of a study; 404 when the study is not visible. */
  @Get('studies/:study/series')
  series(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.below(request, reply, policy, 'series', { study });
  }

  /** The instances of a study. */
  @Get('studies/:study/instances')
  instancesOfStudy(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.below(request, reply, policy, 'instance', { study });
  }

  /** The instances of a series. */
  @Get('studies/:study/series/:series/instances')
  instances(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
  ) {
    return this.below(request, reply, policy, 'instance', { study, series });
  }

  private async below(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: Policy,
    level: Level,
    target: Target,
  ): Promise<FastifyReply> {
    const whose = await this.lookup.demand(policy, 'studies:read', target);
    request.auditNote = { studyUid: target.study, ...whose };
    return this.answer(request, reply, policy, level, 'below', [
      ...within('0020000D', target.study),
      ...within('0020000E', target.series),
    ]);
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: Policy,
    level: Level,
    page: 'root' | 'below',
    inside: Search['filters'],
  ): Promise<FastifyReply> {
    const form = negotiateDataSets(acceptedBy(request), false);
    const { search, unknownKeys, include } = parseQidoQuery(queryOf(request), level, page);
    const { tags, unknown } = await tagsOf(include);
    const gone = disconnectSignal(reply);
    const filters = [...inside, ...search.filters];
    const { total, items } = await this.searches.run(policy, { ...search, filters }, gone);
    const detail = { answered: items.length, total };
    request.auditNote = { ...askedFor(search.filters), ...request.auditNote, detail };
    const uids = items.flatMap((item) => uidOf(item, UID_TAG[level]) ?? []);
    const further =
      (include.all || tags.size > 0) && uids.length > 0
        ? await this.further.of(policy, level, uids, { all: include.all, tags }, gone)
        : new Map<string, JsonDataSet>();
    const left = total - search.offset - items.length;
    const warnings = warningsOf(left, unknownKeys.length, unknown);
    if (warnings.length > 0) void reply.header('warning', warnings.join(', '));
    void reply.header('x-total-count', total).header('cache-control', 'no-store').header('vary', VARY);
    const dataSets = items.map((item) =>
      this.dataSet(item, level, further.get(uidOf(item, UID_TAG[level]) ?? '') ?? {}),
    );
    // As bytes: to text Fastify adds a charset, which the media type does not have and Python's client does not expect.
    if (form !== 'xml' && form !== 'xml-parts')
      return reply.header('content-type', form).send(Buffer.from(`[${dataSets.map(dataSetText).join(',')}]`));
    // A multipart body without a part is none (RFC 2046 §5.1).
    if (dataSets.length === 0) return reply.status(204).send();
    const { contentType, stream } = writeXmlParts(dataSets);
    return reply.header('content-type', contentType).send(stream);
  }

  private dataSet(item: FoundItem, level: Level, further: JsonDataSet): JsonDataSet {
    const attributes = attributesAt(level);
    const answered = attributes
      .filter(({ matching }) => matching !== 'item')
      .map(({ tag, vr }) => [tag, jsonAttribute(vr, item[tag] ?? null)] as const);
    const url = resourceUrl(this.env.PUBLIC_URL, {
      study: uidOf(item, UID_TAG.study) ?? '',
      series: uidOf(item, UID_TAG.series),
      instance: uidOf(item, UID_TAG.instance),
    });
    const fixed = [
      ['00080005', { vr: 'CS', Value: ['ISO_IR 192'] }],
      ['00080056', { vr: 'CS', Value: ['ONLINE'] }],
      ['00081190', { vr: 'UR', Value: [url] }],
    ] as const;
    // The catalog's value wins if both know an attribute. It holds only a part of a sequence's items, and no malformed numbers.
    const sequences = sequencesOf(
      attributes.filter(({ matching }) => matching === 'item'),
      item,
    );
    const known = answered.filter(
      ([tag, { vr, Value }]) => vr !== 'IS' || Value !== undefined || further[tag] === undefined,
    );
    return inOrder([...new Map([...sequences, ...Object.entries(further), ...fixed, ...known])]);
  }
}

const UID_TAG = { study: '0020000D', series: '0020000E', instance: '00080018' } as const;
const VARY = 'Accept, Authorization, Cookie';

function uidOf(item: FoundItem, tag: string): string | undefined {
  const uid = item[tag];
  return uid === undefined || uid === null ? undefined : String(uid);
}

/** Sequences of whose items the catalog holds attributes, each as a list with one value an item. */
function sequencesOf(attributes: readonly CatalogAttribute[], found: FoundItem): [string, JsonAttribute][] {
  const bySequence = Map.groupBy(attributes, ({ tag }) => tag.slice(0, 8));
  return [...bySequence].map(([sequence, within]) => {
    const values = within.map(({ tag }) => listOf(found[tag]));
    const items = (values[0] ?? []).map((_, at) =>
      Object.fromEntries(
        within.map(({ tag, vr }, which) => [tag.slice(9), jsonAttribute(vr, values[which]?.[at] ?? null)]),
      ),
    );
    return [sequence, items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items }];
  });
}

function listOf(value: FoundItem[string] | undefined): readonly string[] {
  return typeof value === 'object' && value !== null ? value : [];
}

/** The tags of what is included, and how many of its keywords nobody knows. */
async function tagsOf({ tags, keywords }: Include): Promise<{ tags: ReadonlySet<string>; unknown: number }> {
  if (keywords.length === 0) return { tags: new Set(tags), unknown: 0 };
  const dictionary = await openDictionary();
  const known = keywords.flatMap((keyword) => dictionary.tagOf(keyword) ?? []);
  return { tags: new Set([...tags, ...known]), unknown: keywords.length - known.length };
}

/** The part of the path as a filter. */
/** Without wildcards, and no longer than any there is. */
const EXACT = /^[^*?]{1,256}$/;

/** The patient or study that a search names exactly: also who looked for whom in vain is asked of the audit. */
function askedFor(filters: Search['filters']): AuditNote {
  const exact = (tag: string) => {
    const match = filters.find(({ attribute }) => attribute.tag === tag)?.match;
    return match?.kind === 'value' && EXACT.test(match.value) ? match.value : undefined;
  };
  const [studyUid, patientId] = [exact('0020000D'), exact('00100020')];
  return { ...(studyUid !== undefined && { studyUid }), ...(patientId !== undefined && { patientId }) };
}

function within(tag: string, value: string | undefined): Search['filters'] {
  const attribute = attributesAt('series').find((one) => one.tag === tag);
  if (attribute === undefined || value === undefined) return [];
  return [{ attribute, match: { kind: 'value', value } }];
}

/** Warn-code 299 as PS3.18 §8.3.4.4 words it, and of what was ignored. */
function warningsOf(left: number, keys: number, fields: number): string[] {
  return [
    ...(left > 0 ? [`299 radgate "There are ${left} additional results that can be requested"`] : []),
    ...(keys > 0 ? [`299 radgate "${keys} unknown ${keys === 1 ? 'key was' : 'keys were'} ignored"`] : []),
    ...(fields > 0 ? [`299 radgate "${fields} unknown fields were not included"`] : []),
  ];
}
