import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';

/** A file system that the gateway writes to. */
export const Disk = z.object({
  of: z
    .enum(['data', 'cache'])
    .meta({ description: 'The folder: DATA_DIR or CACHE_DIR.', examples: ['data'] }),
  free: z.int().meta({ description: 'The free bytes of its file system.', examples: [412316860416] }),
  size: z.int().meta({ description: 'All bytes of its file system.', examples: [1099511627776] }),
});
export type Disk = z.output<typeof Disk>;

const Position = z.object({ position: z.coerce.number() }).optional();

/** Reads the state of the archive and of the disks, for operators. */
@Injectable()
export class ArchiveState {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'CACHE_DIR' | 'DATA_DIR'>,
    @Inject(DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  /** The version of Orthanc, and the number of its changes that the catalog has not processed. Both are null if Orthanc does not answer. */
  async orthanc(): Promise<{ version: string | null; behind: number | null }> {
    try {
      const [{ Version: version }, { Last: last }] = await Promise.all([
        this.api.system(),
        this.api.lastChange(),
      ]);
      const [row] = await this.database.execute(sql`select position from archive_cursor`);
      const position = Position.parse(row)?.position;
      return { version, behind: position === undefined ? null : Math.max(0, last - position) };
    } catch {
      return { version: null, behind: null };
    }
  }

  /** The file systems of the folders. A folder that cannot be read is left out. */
  async disks(): Promise<Disk[]> {
    const { DATA_DIR: data, CACHE_DIR: cache = join(data, 'cache') } = this.env;
    const folders = [
      ['data', data],
      ['cache', cache],
    ] as const;
    const found = await Promise.all(
      folders.map(async ([of, folder]): Promise<Disk[]> => {
        const state = await statfs(folder).catch(() => undefined);
        if (state === undefined) return [];
        return [{ of, free: state.bavail * state.bsize, size: state.blocks * state.bsize }];
      }),
    );
    return found.flat();
  }
}
