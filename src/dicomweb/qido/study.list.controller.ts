import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Requires } from '../../authz/authz.guard.js';
import { Lookup } from '../../catalog/lookup.service.js';
import { Searches } from '../../catalog/search.service.js';
import { SeriesSizes } from '../../catalog/series.sizes.js';
import { StudyUid } from '../../dicom/uids.js';
import type { Page } from '../../http/list.query.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Gives, pageOf } from '../../http/response.shape.js';
import { NotVisible } from '../../problems/errors.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { ListedStudy, listedSeries, listedStudy, ModalityCounts, StudyDetails } from './listed.studies.js';
import { filterOf, filtersOf, ModalityQuery, StudyListQuery, TimelineQuery } from './study.list.query.js';

/** Maximum number of series of one study in an answer. */
const MAX_SERIES = 5000;

/** The studies for people: one field for words, and plain values. Other systems use QIDO-RS. */
@Controller('api/studies')
@Requires('studies:read')
export class StudyListController {
  constructor(
    private readonly searches: Searches,
    private readonly lookup: Lookup,
    private readonly seriesSizes: SeriesSizes,
  ) {}

  /**
   * Lists the studies that the caller may read, newest first. `q` is words: each must be a part of the patient's name or of the study
   * description, or the beginning of the PatientID or the accession number. Filters: `modality`, `from` and `to`. `sort` changes the order;
   * studies without the value come last.
   */
  @Get()
  @Gives(pageOf(ListedStudy))
  @Header('cache-control', 'no-store')
  async list(
    @Incoming() request: DicomwebRequest,
    @Query(new QueryOf(StudyListQuery)) query: StudyListQuery,
  ): Promise<Page<ListedStudy>> {
    const { q: words, limit, offset, sort: order } = query;
    const filters = filtersOf(query);
    const search = { level: 'study' as const, filters, limit, offset, fuzzy: false, words, order };
    const { total, items } = await this.searches.run(request.policy, search, request.signal);
    request.note({ detail: { answered: items.length, total } });
    return { total, items: items.map(listedStudy) };
  }

  /**
   * Counts the studies that the caller may read, by modality, the most frequent first. A study with several modalities counts for each of
   * them. `q`, `from` and `to` are as in the list of studies.
   */
  @Get('modalities')
  @Gives(ModalityCounts)
  @Header('cache-control', 'no-store')
  async modalities(
    @Incoming() request: DicomwebRequest,
    @Query(new QueryOf(ModalityQuery)) query: z.output<typeof ModalityQuery>,
  ): Promise<ModalityCounts> {
    const condition = { filters: filtersOf(query), words: query.q };
    const items = await this.searches.modalities(request.policy, condition, request.signal);
    request.note({ detail: { answered: items.length } });
    return { items };
  }

  /** Returns one study with its series and the rights of the caller. Returns 404 when the caller may not read the study. */
  @Get(':study')
  @Gives(StudyDetails)
  @Header('cache-control', 'no-store')
  async get(
    @Incoming() request: DicomwebRequest,
    @Param('study', { schema: StudyUid }) study: StudyUid,
  ): Promise<StudyDetails> {
    const { rights, ...whose } = await this.lookup.rightsOver(request.policy, study);
    request.note({ studyUid: study, ...whose });
    const filters = filterOf('0020000D', { kind: 'value', value: study });
    const search = { level: 'series' as const, filters, limit: MAX_SERIES, offset: 0, fuzzy: false };
    const { items } = await this.searches.run(request.policy, search, request.signal);
    const [first] = items;
    // The last series was deleted after the rights were read.
    if (first === undefined) throw new NotVisible();
    const sizes = await this.seriesSizes.of(study);
    return {
      ...listedStudy(first),
      series: items.map((item) => listedSeries(item, sizes)),
      rights: [...rights],
    };
  }

  /**
   * Lists the studies of the same patient that the caller may read, newest first. The list contains the study itself. Studies have the same
   * patient if their PatientID and its issuer are equal. Returns 404 when the caller may not read the study.
   */
  @Get(':study/timeline')
  @Gives(pageOf(ListedStudy))
  @Header('cache-control', 'no-store')
  async timeline(
    @Incoming() request: DicomwebRequest,
    @Param('study', { schema: StudyUid }) study: StudyUid,
    @Query(new QueryOf(TimelineQuery)) page: z.output<typeof TimelineQuery>,
  ): Promise<Page<ListedStudy>> {
    const { rights: _, ...whose } = await this.lookup.rightsOver(request.policy, study);
    request.note({ studyUid: study, ...whose });
    // Without a PatientID, each study has a patient of its own.
    const filters =
      whose.patientId === ''
        ? filterOf('0020000D', { kind: 'value', value: study })
        : [
            ...filterOf('00100020', { kind: 'list', values: [whose.patientId] }),
            ...filterOf('00100021', { kind: 'list', values: [whose.patientIssuer] }),
          ];
    const search = { level: 'study' as const, filters, ...page, fuzzy: false };
    const { total, items } = await this.searches.run(request.policy, search, request.signal);
    return { total, items: items.map(listedStudy) };
  }
}
