import { Inject, Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { type Policy, toSql } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';

/** The UIDs of the studies, series and instances to which a data set refers. */
interface ReferencedUids {
  readonly studies: ReadonlySet<string>;
  readonly series: ReadonlySet<string>;
  readonly instances: ReadonlySet<string>;
}

/** Checks whether an account may read the objects to which a data set refers. */
@Injectable()
export class ReferenceAccess {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Whether the account may read all referenced objects. Returns false for unknown objects too, so that a reference does not reveal whether
   * an object exists.
   */
  async all(policy: Policy, named: ReferencedUids): Promise<boolean> {
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
