import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../database/database.module.js';

const INTERVAL_MS = 6 * 60 * 60 * 1000;

/**
 * Creates the partitions of coming months and drops the expired ones. An SQL function does this work, because only the owner of the schema
 * has the privileges. The function also reads the retention time of the rows. Rows of a month without a partition go to the default
 * partition.
 */
@Injectable()
export class AuditPartitions implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('audit');
  private readonly timer = setInterval(() => void this.maintain(), INTERVAL_MS).unref();

  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    void this.maintain();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async maintain(): Promise<void> {
    try {
      await this.sql`select audit_keep()`;
    } catch {
      this.logger.error(
        'partitions of the audit could not be created or dropped; the next attempt is in six hours',
      );
    }
  }
}
