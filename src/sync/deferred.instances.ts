import { Inject, Injectable } from '@nestjs/common';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { archiveCursor } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';

/**
 * The instances that wait for the end of an upload or a decision, or until PostgreSQL accepts statements again. The saved position in the
 * change feed moves past these instances. Their ids are therefore saved too, so that after a crash the next watcher can ingest these
 * instances without a sweep.
 */
@Injectable()
export class DeferredInstances {
  private readonly ids = new Set<OrthancId>();
  private isSaved = true;

  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  list(): OrthancId[] {
    return [...this.ids];
  }

  /** Adds an instance, or removes it if it no longer waits. */
  set(id: OrthancId, isDeferred: boolean): void {
    if (!isDeferred) this.ids.delete(id);
    else if (!this.ids.has(id)) {
      this.ids.add(id);
      this.isSaved = false;
    }
  }

  /** Adds the saved ids of the previous watcher. */
  async load(): Promise<void> {
    const [row] = await this.database.select({ ids: archiveCursor.deferred }).from(archiveCursor);
    for (const id of row?.ids ?? []) this.ids.add(OrthancId.parse(id));
  }

  /** Saves the ids if an id was added. Must be called before a position moves past the instances. A removed id is removed by a later save. */
  async save(): Promise<void> {
    if (this.isSaved) return;
    await this.database.update(archiveCursor).set({ deferred: this.list() });
    this.isSaved = true;
  }
}
