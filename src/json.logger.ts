import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Env } from './config/env.js';

const LEVELS: Record<Env['LOG_LEVEL'], LogLevel[]> = {
  fatal: ['fatal'],
  error: ['fatal', 'error'],
  warn: ['fatal', 'error', 'warn'],
  info: ['fatal', 'error', 'warn', 'log'],
  debug: ['fatal', 'error', 'warn', 'log', 'debug'],
  trace: ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'],
};

/** One JSON object a line on standard output. What is logged holds no patient data, token or secret; UIDs only at debug. */
export function jsonLogger(env: Pick<Env, 'LOG_LEVEL'>): ConsoleLogger {
  return new ConsoleLogger({ json: true, colors: false, compact: true, logLevels: LEVELS[env.LOG_LEVEL] });
}
