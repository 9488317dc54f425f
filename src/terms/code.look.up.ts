import { Inject, Injectable } from '@nestjs/common';
import type { Coding } from '@medplum/fhirtypes';
import { sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { chooseTarget, type CodeAnswer, type CodeTarget, mappedSystems } from '../mapping/words/code.map.js';

/** The number of codes in one statement. */
const BATCH = 1_000;
/** The number of answers that a look-up keeps. A list has a few hundred codes. */
const MOST_KNOWN = 20_000;

interface FoundTarget extends CodeTarget, Record<string, unknown> {
  readonly system: string;
  readonly icd: string;
}

/** Looks up ICD-10 codes in the maps that an operator has loaded. */
@Injectable()
export class CodeTargets {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** A look-up for the rows of one import or chunk. It keeps its answers. */
  session(): CodeSession {
    return new CodeSession((codings) => this.read(codings));
  }

  private async read(codings: readonly Coding[]): Promise<FoundTarget[]> {
    const wanted = codings.flatMap(({ system = '', code }) =>
      mappedSystems(system).map((each) => ({ system: each, code })),
    );
    const rows = await this.database.execute<FoundTarget>(sql`
      select targets.system, targets.code as icd, target as code, display, relation
      from code_map_targets targets join code_maps on code_maps.id = map and active_since is not null
      join jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as given (system text, code text)
        on given.system = targets.system and given.code = targets.code`);
    return rows.map((row) => Object.assign(row, { display: row.display ?? undefined }));
  }
}

/** The answers for some codes. `prepare` must have been called for a code before `answer` is called. */
export class CodeSession {
  private readonly known = new Map<string, CodeAnswer>();

  constructor(private readonly read: (codings: readonly Coding[]) => Promise<readonly FoundTarget[]>) {}

  /** Reads codes from the maps, unless they are known. */
  async prepare(codings: readonly Coding[]): Promise<void> {
    const missing = [...new Map(codings.map((one) => [keyOf(one), one])).values()].filter(
      (one) => !this.known.has(keyOf(one)),
    );
    if (missing.length > 0 && this.known.size + missing.length > MOST_KNOWN) this.known.clear();
    for (let at = 0; at < missing.length; at += BATCH) {
      const some = missing.slice(at, at + BATCH);
      const found = Map.groupBy(await this.read(some), ({ system, icd }) => keyOf({ system, code: icd }));
      for (const one of some) {
        const targets = mappedSystems(one.system ?? '')
          .map((system) => found.get(keyOf({ system, code: one.code ?? '' })) ?? [])
          .find((each) => each.length > 0);
        this.known.set(keyOf(one), chooseTarget(targets ?? []));
      }
    }
  }

  /** The answer for a code. The value is undefined when the code is not prepared. */
  find(coding: Coding): CodeAnswer | undefined {
    return this.known.get(keyOf(coding));
  }
}

const keyOf = ({ system = '', code = '' }: Coding): string => `${system}|${code}`;
