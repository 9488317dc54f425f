import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { not, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { loginFailures, sessions, signingKeys, tokenFamilies } from '../../database/schema.access.js';
import { secondFactors, signInChallenges } from '../../database/schema.factors.js';
import { CHALLENGE_LIFE } from '../second-factor/sign-in.challenges.js';
import { ENROLMENT_LIFE } from '../second-factor/stored.factors.js';
import { SESSION_LIVES } from './sign.ins.js';

const HOUR_MS = 3_600_000;

/** Deletes expired sessions, token families, challenges, failure counts and keys every hour. Several gateways can do this at the same time. */
@Injectable()
export class ExpiredSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('authn');
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), HOUR_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async sweep(): Promise<void> {
    try {
      await this.database.delete(sessions).where(not(SESSION_LIVES));
      // This also deletes the refresh tokens of a family.
      await this.database.delete(tokenFamilies).where(sql`
        ${tokenFamilies.createdAt} < now() - interval '31 days' or ${tokenFamilies.revokedAt} < now() - interval '1 day'`);
      await this.database
        .delete(loginFailures)
        .where(sql`${loginFailures.windowStart} < now() - interval '1 day'`);
      await this.database
        .delete(signingKeys)
        .where(sql`${signingKeys.retiredAt} < now() - interval '30 days'`);
      await this.database
        .delete(signInChallenges)
        .where(sql`${signInChallenges.createdAt} < now() - ${CHALLENGE_LIFE}`);
      await this.database
        .delete(secondFactors)
        .where(
          sql`${secondFactors.confirmedAt} is null and ${secondFactors.createdAt} < now() - ${ENROLMENT_LIFE}`,
        );
    } catch (error) {
      // PostgreSQL is unreachable. The next run deletes the expired rows.
      this.logger.warn(
        `expired sessions and tokens could not be deleted: ${error instanceof Error ? error.name : 'error'}`,
      );
    }
  }
}
