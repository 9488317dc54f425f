import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { May, Requires } from '../authz/authz.guard.js';
import type { Policy } from '../authz/policy.js';
import { Lookup, type Target } from '../catalog/lookup.service.js';
import type { Level } from '../catalog/search.attributes.js';
import { attributesAt, type FoundItem, type Search, Searches } from '../catalog/search.service.js';
import { SeriesUid, StudyUid } from '../catalog/uids.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { demandJson } from './accept.js';
import { jsonAttribute, type JsonDataSet } from './dicom.json.js';
import { parseQidoQuery } from './qido.query.js';
import { resourceUrl } from './resource.urls.js';
import { queryOf, StudyParam, SeriesParam } from './uid.params.js';

/** Search Transaction (QIDO-RS, PS3.18 §10.6), answered from the catalog alone. */
@Controller('dicom-web')
@Requires('studies:read')
export class QidoController {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly searches: Searches,
    private readonly lookup: Lookup,
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
    await this.lookup.demand(policy, 'studies:read', target);
    request.auditNote = { studyUid: target.study };
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
    demandJson(request);
    const { search, unknownKeys, fuzzy } = parseQidoQuery(queryOf(request), level, page);
    const { total, items } = await this.searches.run(policy, {
      ...search,
      filters: [...inside, ...search.filters],
    });
    request.auditNote = { ...request.auditNote, detail: { answered: items.length, total } };
    const warnings = warningsOf(total - search.offset - items.length, unknownKeys.length, fuzzy);
    if (warnings.length > 0) void reply.header('warning', warnings.join(', '));
    // As bytes: to text Fastify adds a charset, which the media type does not have and Python's client does not expect.
    return reply
      .header('x-total-count', total)
      .header('cache-control', 'no-store')
      .type('application/dicom+json')
      .send(Buffer.from(JSON.stringify(items.map((item) => this.dataSet(item, level)))));
  }

  private dataSet(item: FoundItem, level: Level): JsonDataSet {
    const answered = attributesAt(level).map(
      ({ tag, vr }) => [tag, jsonAttribute(vr, item[tag] ?? null)] as const,
    );
    const uid = (tag: string) =>
      item[tag] === undefined || item[tag] === null ? undefined : String(item[tag]);
    const url = resourceUrl(this.env.PUBLIC_URL, {
      study: uid('0020000D') ?? '',
      series: uid('0020000E'),
      instance: uid('00080018'),
    });
    const fixed = [
      ['00080005', { vr: 'CS', Value: ['ISO_IR 192'] }],
      ['00080056', { vr: 'CS', Value: ['ONLINE'] }],
      ['00081190', { vr: 'UR', Value: [url] }],
    ] as const;
    return Object.fromEntries([...fixed, ...answered].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}

/** The part of the path as a filter. */
function within(tag: string, value: string | undefined): Search['filters'] {
  const attribute = attributesAt('series').find((one) => one.tag === tag);
  if (attribute === undefined || value === undefined) return [];
  return [{ attribute, match: { kind: 'value', value } }];
}

/** Warn-code 299 as PS3.18 §8.3.4.2 and §8.3.4.4 word them. */
function warningsOf(left: number, unknown: number, fuzzy: boolean): string[] {
  const literal = 'The fuzzymatching parameter is not supported. Only literal matching has been performed.';
  return [
    ...(left > 0 ? [`299 radgate "There are ${left} additional results that can be requested"`] : []),
    ...(unknown > 0 ? [`299 radgate "${unknown} unknown keys were ignored"`] : []),
    ...(fuzzy ? [`299 radgate "${literal}"`] : []),
  ];
}
