import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { provideHapi } from '../hapi/build.ts';
import { launch, until, type Running } from './launch.ts';
import { saying, step } from './steps.ts';
import type { Supervisor } from './supervisor.ts';

const startPatienceSeconds = 180;
const attempts = 3;

/** A database outside HAPI's own process. `url` is a JDBC URL. */
export type HapiDatabase = { url: string; user: string; password: string };

export type HapiOptions = {
  /** The folder that `provideHapi` returns. */
  app: string;
  /** The folder for the database and the log. */
  dir: string;
  port: number;
  log?: string;
  /** Without a database, HAPI stores the records with H2 in `dir`. */
  database?: HapiDatabase;
};

export type Hapi = Running & { url: string };

/**
 * Starts HAPI FHIR R4 on 127.0.0.1, by default with its own H2 database. `url` is the base URL of the FHIR API. The start takes half a minute, or two
 * minutes on a busy machine, so other parts of the stack should not wait for it.
 */
export async function startHapi({ app, dir, port, log, database }: HapiOptions): Promise<Hapi> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const memory = ['-XX:+UseSerialGC', '-Xmx1g', '-XX:+ExitOnOutOfMemoryError'];
  // Without the second JIT compiler, the start takes half the time. That compiler would help only after some hours.
  const speed = ['-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];
  const settings = [`-Dfhir.data=${dir}`, '-Dfhir.host=127.0.0.1', `-Dfhir.port=${port}`];
  const classes = ['-cp', `${join(app, 'radgate-fhir.jar')}:${join(app, 'lib')}/*`, 'radgate.fhir.Server'];
  const running = await launch({
    // HAPI runs with low priority, so that its start does not slow down the other processes.
    command: ['nice', '-n', '10', 'java', ...memory, ...speed, ...settings, ...classes],
    // Other users of the machine can read a command line, but not these variables.
    ...(database && {
      env: {
        FHIR_DATABASE_URL: database.url,
        FHIR_DATABASE_USER: database.user,
        FHIR_DATABASE_PASSWORD: database.password,
      },
    }),
    cwd: dir,
    log: log ?? join(dir, 'hapi.log'),
  });
  const url = `http://127.0.0.1:${port}/fhir`;
  const ready = async () => {
    const answer = await fetch(`${url}/metadata`, { signal: AbortSignal.timeout(30_000) });
    // The whole response is read, because HAPI logs an error for a client that disconnects early.
    await answer.arrayBuffer();
    return answer.ok;
  };
  await until('HAPI', running, ready, startPatienceSeconds);
  return { ...running, url };
}

/**
 * Builds HAPI, starts it, and restarts it whenever it ends. If HAPI cannot be built or started, prints the error and resolves with false.
 * The stack then runs without HAPI.
 */
export async function keepHapi(
  kept: Supervisor,
  options: Omit<HapiOptions, 'app'> & { cacheDir: string },
  log: (line: string) => void,
): Promise<boolean> {
  try {
    const app = await step('HAPI built', () => provideHapi(options.cacheDir, log));
    for (let attempt = 1; !kept.stopping; attempt += 1) {
      if (await startOnce(kept, { ...options, app }, log)) return true;
      if (attempt === attempts) break;
    }
  } catch (error) {
    if (!kept.stopping) log(saying(error));
  }
  if (!kept.stopping) log('the stack runs without HAPI: correct the error, then start the stack again');
  return false;
}

async function startOnce(
  kept: Supervisor,
  options: HapiOptions,
  log: (line: string) => void,
): Promise<boolean> {
  try {
    const hapi = await step('HAPI', () => kept.keep('hapi', () => startHapi(options)));
    // If the stack was stopped during this start, the supervisor has not stopped the new process.
    if (kept.stopping) await hapi.stop();
    return true;
  } catch (error) {
    if (!kept.stopping) log(saying(error));
    return false;
  }
}
