import { NestFactory } from '@nestjs/core';
import { Logger, type LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { EnvironmentFaulty, readEnv } from './config/env.js';
import { httpServer } from './http/http.server.js';
import { jsonLogger } from './json.logger.js';
import { logRequests } from './http/request.log.js';

/** Reads the environment, starts the application and listens. Reports all errors in the environment before it starts anything. */
async function main(): Promise<void> {
  const env = readEnv(process.env);
  const logger = jsonLogger(env);
  process.once('uncaughtException', (error) => endWith(logger, error));
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, httpServer(env), {
    logger,
    bodyParser: false,
    abortOnError: false,
  });
  logRequests(app.getHttpAdapter().getInstance());
  app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
  await app.listen(env.PORT, env.HOST);
  new Logger('main').log(`listening on ${env.HOST}:${env.PORT}`);
}

/**
 * Logs an uncaught error without its message and ends the process, because the state of the process is unknown. The supervisor starts the
 * gateway again.
 */
function endWith(logger: LoggerService, error: Error): void {
  // The message of a driver error may contain patient data, so only the stack frames are logged.
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
  logger.fatal?.(`uncaught ${error.name}\n${frames.slice(0, 8).join('\n')}`, 'main');
  // The delay gives the logger time to write the line.
  setTimeout(() => process.exit(1), 100);
}

main().catch((error: unknown) => {
  const text =
    error instanceof EnvironmentFaulty ? error.message : error instanceof Error ? error.stack : 'unknown';
  process.stderr.write(`Radgate could not start. ${text}\n`);
  process.exit(1);
});
