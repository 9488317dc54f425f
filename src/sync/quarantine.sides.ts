import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { InstanceReader, type ReadInstance } from './instance.reader.service.js';

/** The attributes that are compared, by tag. They identify the patient, the study, the series and the instance, or describe the image. */
const COMPARED: readonly (readonly [tag: string, keyword: string])[] = [
  ['00100010', 'PatientName'],
  ['00100020', 'PatientID'],
  ['00100021', 'IssuerOfPatientID'],
  ['00100030', 'PatientBirthDate'],
  ['00100040', 'PatientSex'],
  ['0020000D', 'StudyInstanceUID'],
  ['00080020', 'StudyDate'],
  ['00080030', 'StudyTime'],
  ['00200010', 'StudyID'],
  ['00080050', 'AccessionNumber'],
  ['00081030', 'StudyDescription'],
  ['00080080', 'InstitutionName'],
  ['00080090', 'ReferringPhysicianName'],
  ['0020000E', 'SeriesInstanceUID'],
  ['00080060', 'Modality'],
  ['00200011', 'SeriesNumber'],
  ['0008103E', 'SeriesDescription'],
  ['00080018', 'SOPInstanceUID'],
  ['00080016', 'SOPClassUID'],
  ['00200013', 'InstanceNumber'],
  ['00280010', 'Rows'],
  ['00280011', 'Columns'],
  ['00280008', 'NumberOfFrames'],
];
const MAX_VALUE = 1024;

const value = (whose: string) =>
  z
    .string()
    .nullable()
    .meta({ description: `The value ${whose}, or null without one.`, examples: ['P-1001'] });
const Side = z.enum(['read', 'unreadable', 'missing']);

/** The header values of both sides: of the first instance of the group, and of the instance of the catalog that it contradicts. */
export const QuarantineComparison = z.object({
  arrived: Side.meta({ description: 'Whether the file that arrived could be read.', examples: ['read'] }),
  held: Side.meta({
    description: 'Whether the file of the catalog could be read. `missing`: the catalog has no such file.',
    examples: ['read'],
  }),
  attributes: z
    .array(
      z.object({
        tag: z.string().meta({ description: 'The tag.', examples: ['00100020'] }),
        keyword: z
          .string()
          .meta({ description: 'The keyword of the attribute (PS3.6).', examples: ['PatientID'] }),
        arrived: value('of the file that arrived'),
        held: value('of the file of the catalog'),
        differs: z.boolean().meta({ description: 'Whether both sides have other values.', examples: [true] }),
      }),
    )
    .readonly()
    .meta({ description: 'The attributes that at least one side has.' }),
});
export type QuarantineComparison = z.output<typeof QuarantineComparison>;

const Found = z.object({ arrived: OrthancId, held: OrthancId.nullable() }).optional();
type SideState = z.output<typeof Side>;
type ReadSide = readonly [state: SideState, read: ReadInstance | undefined];

/** Reads both sides of a group of quarantined instances from the archive. */
@Injectable()
export class QuarantineSides {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly reader: InstanceReader,
  ) {}

  /**
   * Compares the first instance of the group with the instance of the catalog that has the same SOP Instance UID. Without such an instance,
   * it is an instance of the same series, or else of the same study. Returns `undefined` if the group is empty. Throws `NeighbourAway`.
   */
  async of(group: string): Promise<QuarantineComparison | undefined> {
    const [row] = await this.database.execute(sql`
      select w.orthanc_id as arrived, h.orthanc_id as held
      from (select * from quarantined where quarantine = ${group}::uuid order by orthanc_id limit 1) w
      left join lateral (
        (select 1 as place, i.orthanc_id from instances i where i.sop_uid = w.sop_uid)
        union all
        (select 2, i.orthanc_id from series e join instances i on i.series = e.id where e.series_uid = w.series_uid
          order by i.instance_number, i.id limit 1)
        union all
        (select 3, i.orthanc_id from studies s join series e on e.study = s.id join instances i on i.series = e.id
          where s.study_uid = w.study_uid order by e.series_number, e.id, i.instance_number, i.id limit 1)
        order by place limit 1) h on true`);
    const ids = Found.parse(row);
    if (ids === undefined) return undefined;
    const [[arrived, one], [held, other]] = await Promise.all([
      this.read(ids.arrived),
      ids.held === null ? (['missing', undefined] as const) : this.read(ids.held),
    ]);
    const attributes = COMPARED.flatMap(([tag, keyword]) => {
      const values = { arrived: valueOf(one, tag), held: valueOf(other, tag) };
      if (values.arrived === null && values.held === null) return [];
      const differs = one !== undefined && other !== undefined && values.arrived !== values.held;
      return [{ tag, keyword, ...values, differs }];
    });
    return { arrived, held, attributes };
  }

  private async read(id: OrthancId): Promise<ReadSide> {
    try {
      return ['read', await this.reader.read(id)];
    } catch (error) {
      if (error instanceof NeighbourAway || !(error instanceof UpstreamFailed)) throw error;
      return ['unreadable', undefined];
    }
  }
}

function valueOf(read: ReadInstance | undefined, tag: string): string | null {
  const text = read?.facts.attributes.get(tag)?.trim().slice(0, MAX_VALUE) ?? '';
  return text === '' ? null : text;
}
