import { Inject, Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { type Policy, toSql } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';

/** UIDs that something refers to. */
interface Named {
  readonly studies: ReadonlySet<string>;
  readonly series: ReadonlySet<string>;
  readonly instances: ReadonlySet<string>;
}

/** Whether an account may read everything that something names. */
@Injectable()
export class ReferenceAccess {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The unknown is not readable: nobody learns by asking what there is. */
  async all(policy: Policy, named: Named): Promise<boolean> {
    const may = toSql(policy, 'studies:read');
    const [studies, series, instances] = [[...named.studies], [...named.series], [...named.instances]];
    const rows = await this.database.execute(sql`
      select (${count(sql`distinct studies.study_uid`, sql`series.instance_count > 0 and studies.study_uid`, studies, may)})
          = ${named.studies.size}
        and (${count(sql`distinct series.series_uid`, sql`series.instance_count > 0 and series.series_uid`, series, may)})
          = ${named.series.size}
        and (select count(*) from instances join series on series.id = instances.series
          join studies on studies.id = series.study join patients on patients.id = studies.patient
          where instances.sop_uid = any(${sql.param(instances)}::text[]) and ${may}) = ${named.instances.size} as readable`);
    return rows[0]?.['readable'] === true;
  }
}

function count(what: SQL, which: SQL, uids: readonly string[], may: SQL): SQL {
  return sql`select count(${what}) from series join studies on studies.id = series.study
    join patients on patients.id = studies.patient
    where ${which} = any(${sql.param(uids)}::text[]) and ${may}`;
}
