import { join } from 'node:path';
import type { LoggerService } from '@nestjs/common';
import { createStream } from 'rotating-file-stream';
import type { Env } from './config/env.js';
import { REQUEST_CONTEXT } from './http/request.log.js';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
type Level = (typeof LEVELS)[number];

/**
 * Lines about requests are written together after this time. One write for each line would take a fifth of the processor time of a cached
 * response.
 */
const COLLECT_MS = 20;
const COLLECT_CHARS = 64 * 1024;

const FILE_SIZE = '10M';
const FILES_KEPT = 5;

/** The members of one log line. */
interface Line {
  readonly time: string;
  readonly level: Level;
  readonly pid: number;
  readonly context?: string;
  readonly message: string;
}

/** A destination for log lines, such as a stream. */
export interface LineSink {
  write: (text: string) => unknown;
}

/**
 * Logs one JSON object per line to standard output and to `DATA_DIR/logs/gateway.log` (five files of 10 MB). Log lines contain no patient
 * data, tokens or secrets. Log lines contain UIDs only at level debug.
 */
export function jsonLogger(env: Pick<Env, 'LOG_LEVEL' | 'DATA_DIR'>): LoggerService {
  const file = createStream('gateway.log', {
    path: join(env.DATA_DIR, 'logs'),
    size: FILE_SIZE,
    maxFiles: FILES_KEPT,
    mode: 0o600,
  });
  // A full disk must not stop the gateway. Standard output still gets the lines.
  file.on('error', (error) => process.stderr.write(`the log file cannot be written: ${error.message}\n`));
  return loggerTo([process.stdout, file], env.LOG_LEVEL);
}

/**
 * Returns a Nest logger that writes lines of this level and above to every sink. Lines about requests are written {@link COLLECT_MS} later at
 * the latest. All other lines are written at once, after the lines that wait.
 */
export function loggerTo(sinks: readonly LineSink[], least: Level): LoggerService {
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const lines = waiting;
    waiting = '';
    if (lines !== '') for (const sink of sinks) sink.write(lines);
  };
  process.on('exit', flush);
  const write = (level: Level, message: unknown, rest: readonly unknown[]) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(least)) return;
    const line = lineOf(level, message, rest);
    waiting += `${JSON.stringify(line)}\n`;
    if (line.context !== REQUEST_CONTEXT || waiting.length > COLLECT_CHARS) flush();
    else timer ??= setTimeout(flush, COLLECT_MS);
  };
  return {
    fatal: (message: unknown, ...rest: unknown[]) => write('fatal', message, rest),
    error: (message: unknown, ...rest: unknown[]) => write('error', message, rest),
    warn: (message: unknown, ...rest: unknown[]) => write('warn', message, rest),
    log: (message: unknown, ...rest: unknown[]) => write('info', message, rest),
    debug: (message: unknown, ...rest: unknown[]) => write('debug', message, rest),
    verbose: (message: unknown, ...rest: unknown[]) => write('trace', message, rest),
  };
}

/** Builds a log line. Nest passes the context as the last argument. If the message is an object, its members are added to the line. */
function lineOf(level: Level, message: unknown, rest: readonly unknown[]): Line {
  const context = rest.at(-1);
  const fields =
    typeof message === 'object' && message !== null && !(message instanceof Error) ? message : undefined;
  return {
    time: new Date().toISOString(),
    level,
    pid: process.pid,
    ...(typeof context === 'string' ? { context } : {}),
    message: typeof message === 'string' ? message : message instanceof Error ? message.name : '',
    ...fields,
  };
}
