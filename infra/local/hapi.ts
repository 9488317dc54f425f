import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { provideHapi } from '../hapi/build.ts';
import { launch, until, type Running } from './launch.ts';
import { saying, step } from './steps.ts';
import type { Supervisor } from './supervisor.ts';

const startPatienceSeconds = 180;
const attempts = 3;

export type HapiOptions = {
  /** What provideHapi returned. */
  app: string;
  /** Where its database and log live. */
  dir: string;
  port: number;
  log?: string;
};

export type Hapi = Running & { url: string };

/**
 * Starts HAPI FHIR R4 on 127.0.0.1 with an H2 database of its own; `url` is the base of its FHIR interface. Takes half a
 * minute, on a busy machine two: nothing should wait for it.
 */
export async function startHapi({ app, dir, port, log }: HapiOptions): Promise<Hapi> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const memory = ['-XX:+UseSerialGC', '-Xmx1g', '-XX:+ExitOnOutOfMemoryError'];
  // The second compiler pays off after hours; without it the start takes half the time.
  const speed = ['-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];
  const settings = [`-Dfhir.data=${dir}`, '-Dfhir.host=127.0.0.1', `-Dfhir.port=${port}`];
  const classes = ['-cp', `${join(app, 'radgate-fhir.jar')}:${join(app, 'lib')}/*`, 'radgate.fhir.Server'];
  const running = await launch({
    // Its start would otherwise take both processors from those whom somebody waits for.
    command: ['nice', '-n', '10', 'java', ...memory, ...speed, ...settings, ...classes],
    cwd: dir,
    log: log ?? join(dir, 'hapi.log'),
  });
  const url = `http://127.0.0.1:${port}/fhir`;
  const ready = async () => {
    const answer = await fetch(`${url}/metadata`, { signal: AbortSignal.timeout(30_000) });
    // Read to its end: HAPI logs a client that leaves early as an error.
    await answer.arrayBuffer();
    return answer.ok;
  };
  await until('HAPI', running, ready, startPatienceSeconds);
  return { ...running, url };
}

/**
 * Builds HAPI, starts it and has it kept running; what goes wrong is said and ends nothing else, so that no one needs to
 * wait for it. Resolves with false when it was given up.
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
  if (!kept.stopping) log('the stack runs without HAPI: start it again when this is mended');
  return false;
}

async function startOnce(
  kept: Supervisor,
  options: HapiOptions,
  log: (line: string) => void,
): Promise<boolean> {
  try {
    const hapi = await step('HAPI', () => kept.keep('hapi', () => startHapi(options)));
    // Asked to stop meanwhile: the supervisor did not know this one.
    if (kept.stopping) await hapi.stop();
    return true;
  } catch (error) {
    if (!kept.stopping) log(saying(error));
    return false;
  }
}
