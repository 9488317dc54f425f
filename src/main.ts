import { NestFactory } from '@nestjs/core';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { EnvironmentFaulty, readEnv } from './config/env.js';
import { httpServer } from './http-server.js';
import { jsonLogger } from './json.logger.js';
import { logRequests } from './request.log.js';

/** Reads the environment, builds the house and listens. Every fault of the environment is told before anything starts. */
async function main(): Promise<void> {
  const env = readEnv(process.env);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, httpServer(env), {
    logger: jsonLogger(env),
    bodyParser: false,
    abortOnError: false,
  });
  logRequests(app.getHttpAdapter().getInstance());
  app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
  await app.listen(env.PORT, env.HOST);
  new Logger('main').log(`listening on ${env.HOST}:${env.PORT}`);
}

try {
  await main();
} catch (error) {
  const text =
    error instanceof EnvironmentFaulty ? error.message : error instanceof Error ? error.stack : 'unknown';
  process.stderr.write(`Radgate could not start. ${text}\n`);
  process.exit(1);
}
