import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../database/database.module.js';

const EVERY_MS = 6 * 60 * 60 * 1000;

/**
 * Has the audit's months made ahead and those past their time dropped. Both are done by a function of the schema's owner, who also
 * decides what is too old; a month that is missing costs nothing but order: its rows wait in the rest.
 */
@Injectable()
export class AuditPartitions implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('audit');
  private readonly timer = setInterval(() => void this.keep(), EVERY_MS).unref();

  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    void this.keep();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async keep(): Promise<void> {
    try {
      await this.sql`select audit_keep()`;
    } catch {
      this.logger.error('the months of the audit could not be made or dropped; tried again in six hours');
    }
  }
}
