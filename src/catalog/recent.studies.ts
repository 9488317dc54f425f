import { Inject, Injectable } from '@nestjs/common';
import type { StudyFacts } from '../authz/policy.js';
import { Changes } from '../database/changes.js';
import { RecentReads } from '../database/recent.reads.js';
import type { StudyUid } from '../dicom/uids.js';

/** Largest number of studies in memory. */
const MAX_STUDIES = 2_000;
/** Largest number of instances in memory, and of instances of one answer that is kept. */
const MAX_INSTANCES = 40_000;
const MAX_INSTANCES_OF_ONE = 10_000;

/** The identity of a state of a study. The number changes with each change of its instances. */
export interface StudyRevision {
  readonly studyRow: number;
  readonly revision: number;
}

/** A study as it was in the last four seconds. */
export interface RecentStudy extends StudyRevision {
  readonly facts: StudyFacts & { readonly studyUid: StudyUid };
}

interface Kept<Row> {
  readonly rows: readonly Row[];
  /** The rows by SOP Instance UID. */
  bySop?: ReadonlyMap<string, Row>;
}

/**
 * Studies and their instances in the memory of the gateway. A study is valid for at most four seconds after it was read. Its instances are
 * valid as long as the revision of the study stays the same.
 */
@Injectable()
export class RecentStudies<Row extends { readonly sopUid: string; readonly seriesUid: string }> {
  private readonly studies = new RecentReads<RecentStudy>(MAX_STUDIES);
  /** The oldest entry is first. */
  private readonly instances = new Map<string, Kept<Row>>();
  private held = 0;

  constructor(@Inject(Changes) changes: Pick<Changes, 'on'>) {
    changes.on((change) => {
      if (change.of === 'everything') this.studies.clear();
      if (change.of === 'study') this.studies.drop(change.studyUid);
    });
  }

  /** The study, if it was read in the last four seconds and has not changed since. */
  study(studyUid: string): RecentStudy | undefined {
    return this.studies.get(studyUid);
  }

  /** Must be called before the statement that reads a study is sent. Returns a function that keeps the study. */
  begin(): (study: RecentStudy) => void {
    const keep = this.studies.begin();
    return (study) => keep(study.facts.studyUid, study);
  }

  /** The instances of a study, series or instance of this revision, in their order. `undefined` if they are not in memory. */
  rows(of: StudyRevision, series?: string, instance?: string): readonly Row[] | undefined {
    const own = this.instances.get(keyOf(of, series, instance));
    if (own !== undefined || instance === undefined) return own?.rows;
    const all = this.instances.get(keyOf(of, series)) ?? this.instances.get(keyOf(of));
    if (all === undefined) return undefined;
    all.bySop ??= new Map(all.rows.map((row) => [row.sopUid, row]));
    const one = all.bySop.get(instance);
    return one === undefined || (series !== undefined && one.seriesUid !== series) ? undefined : [one];
  }

  /** Keeps the instances of a study, series or instance that were read together with this revision. */
  keep(of: StudyRevision, rows: readonly Row[], series?: string, instance?: string): void {
    const key = keyOf(of, series, instance);
    if (rows.length > MAX_INSTANCES_OF_ONE || this.instances.has(key)) return;
    this.instances.set(key, { rows });
    this.held += rows.length;
    for (const [oldest, { rows: dropped }] of this.instances) {
      if (this.held <= MAX_INSTANCES) return;
      this.instances.delete(oldest);
      this.held -= dropped.length;
    }
  }
}

function keyOf({ studyRow, revision }: StudyRevision, series = '', instance = ''): string {
  return `${studyRow} ${revision} ${series} ${instance}`;
}
