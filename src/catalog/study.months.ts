import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';

/** The largest number of months in one answer. */
export const MAX_MONTHS = 60;

/** A month as text, for example `2026-11`. */
export const MonthText = z.string().regex(/^[1-9]\d{3}-(0[1-9]|1[0-2])$/);

/** The number of studies and instances of each month and modality. A study with several modalities is counted for each of them. */
export const StudyMonths = z.object({
  from: z.string().meta({ description: 'The first month.', examples: ['2025-12'] }),
  to: z.string().meta({ description: 'The last month.', examples: ['2026-11'] }),
  items: z
    .array(
      z.object({
        month: z
          .string()
          .meta({ description: 'The month of the Study Date (0008,0020).', examples: ['2026-11'] }),
        modality: z.string(),
        studies: z.int(),
        instances: z.int(),
      }),
    )
    .readonly(),
});
export type StudyMonths = z.output<typeof StudyMonths>;

const Items = StudyMonths.shape.items;

/** Counts the studies of the catalog by month and modality. */
@Injectable()
export class StudyMonthCounts {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Counts the studies of the months `from` to `to` (inclusive). The index on the study date limits the search to these studies. */
  async of(from: string, to: string): Promise<StudyMonths> {
    const rows = await this.database.execute(sql`
      select substr(s.study_date, 1, 4) || '-' || substr(s.study_date, 5, 2) as month, e.modality,
        count(distinct s.id)::int as studies, sum(e.instance_count)::int as instances
      from studies s join series e on e.study = s.id
      where s.instance_count > 0 and e.instance_count > 0
        and s.study_date >= ${`${from.replace('-', '')}01`} and s.study_date <= ${`${to.replace('-', '')}31`}
      group by 1, 2 order by 1, 2`);
    return { from, to, items: Items.parse([...rows]) };
  }
}
