import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildViewer } from '../viewer/build.ts';
import { buildAll } from './build.ts';
import { loadDemo } from './demo.ts';
import { cacheOf, migrate, startGateway } from './gateway.ts';
import { clearLeftovers, notePids } from './leftovers.ts';
import { tryLock } from './lock.ts';
import { prepareMachine } from './machine.ts';
import { keepHapi } from './hapi.ts';
import { startNginx } from './nginx.ts';
import { choosePorts, openDataFolder, parseOptions, type StackOptions } from './options.ts';
import { startOrthanc } from './orthanc.ts';
import { startPostgres } from './postgres.ts';
import { cacheFolder, providePrefix } from './prefix.ts';
import { loadSampleList } from './sample.list.ts';
import { keptSecrets } from './secrets.ts';
import { describe, writeStackFile, type Stack } from './stack.file.ts';
import { note, saying, step } from './steps.ts';
import { Supervisor } from './supervisor.ts';

const root = join(import.meta.dirname, '../..');
const account = { username: 'gateway', aet: 'RADGATE' };
const admin = 'admin';

let supervisor: Supervisor | undefined;

async function start({ data, demo, hapi, ports: asked }: StackOptions): Promise<void> {
  const stackFile = join(data, 'stack.json');
  await rm(stackFile, { force: true });
  await clearLeftovers(data, root, note);
  const logs = join(data, 'logs');
  await prepareMachine(note);
  const ports = await choosePorts(data, asked, note);
  const secrets = await keptSecrets(data);
  const cache = cacheFolder();

  let stack: Stack | undefined;
  const kept = new Supervisor(note, (pids) => {
    void notePids(data, pids);
    if (!stack) return;
    stack = { ...stack, pids: stackPids(kept) };
    void writeStackFile(stackFile, stack);
  });
  supervisor = kept;
  stopOnSignal(async () => {
    rmSync(stackFile, { force: true });
    await kept.stop(['nginx', 'gateway']);
    await kept.stop(['orthanc', 'postgres', 'hapi']);
    await rm(join(data, 'pids.json'), { force: true });
  });

  const startDatabase = () =>
    startPostgres({ dir: join(data, 'postgres'), port: ports.postgres, log: join(logs, 'postgres.log') });
  const fetching = step('Orthanc and nginx downloaded', () => providePrefix(cache, note));
  const archiving = fetching.then((prefix) => {
    const files = { prefix, dir: join(data, 'orthanc'), log: join(logs, 'orthanc.log') };
    const address = { httpPort: ports.orthanc, dicomPort: ports.dicom, password: secrets.orthancPassword };
    return step('Orthanc', () =>
      kept.keep('orthanc', () => startOrthanc({ ...account, ...files, ...address })),
    );
  });
  // These steps run in parallel. The first failure ends the start.
  const [prefix, viewer, orthanc, postgres] = await Promise.all([
    fetching,
    step('viewer built', () => buildViewer({ cacheDir: join(cache, 'viewer'), log: note })),
    archiving,
    step('PostgreSQL', () => kept.keep('postgres', startDatabase)),
    step('gateway and portal built', () => buildAll(note)),
  ]);
  await step('database migrated', () => migrate(postgres));
  const gatewayFacts = { data, ports, postgres, secrets, admin, hapi };
  const archive = { url: orthanc.url, username: account.username };
  await step('gateway', () =>
    kept.keep('gateway', () => startGateway({ ...gatewayFacts, orthanc: archive })),
  );
  const site = {
    prefix,
    viewer,
    portal: join(root, 'dist/portal'),
    dir: join(data, 'nginx'),
    logs,
    cache: cacheOf(data),
  };
  await step('nginx', () =>
    kept.keep('nginx', () => startNginx({ ...site, port: ports.web, gatewayPort: ports.gateway })),
  );

  const gateway = `http://127.0.0.1:${ports.gateway}`;
  const credentials = { username: admin, password: secrets.adminPassword };
  const load = () => loadDemo(data, { gateway, admin: credentials, log: note });
  const people = demo ? await step('sample studies and people', load) : undefined;
  stack = {
    web: `https://localhost:${ports.web}`,
    gateway,
    metrics_token: secrets.metricsToken,
    admin: credentials,
    ...(people && { people }),
    orthanc: {
      ...archive,
      password: secrets.orthancPassword,
      dicom: `127.0.0.1:${ports.dicom}`,
      aet: account.aet,
    },
    ...(hapi && { fhir: { url: `http://127.0.0.1:${ports.hapi}/fhir` } }),
    database: { url: postgres.appUrl },
    pids: stackPids(kept),
  };
  await writeStackFile(stackFile, stack);
  console.log(describe(stack, stackFile));
  if (!hapi) return;
  // HAPI is started last, so that it does not delay the other processes. Imports wait for HAPI.
  const fhir = { cacheDir: cache, dir: join(data, 'hapi'), port: ports.hapi, log: join(logs, 'hapi.log') };
  const list = { data, gateway, admin: credentials, log: sayUnlessStopping(kept) };
  void keepHapi(kept, fhir, note).then((up) => (up && demo ? loadSampleList(list) : undefined));
}

/** Returns a function that prints lines until a stop is requested. The errors that a stop causes are expected. */
function sayUnlessStopping(kept: Supervisor): (line: string) => void {
  return (line) => {
    if (!kept.stopping) note(line);
  };
}

function stackPids(kept: Supervisor): Stack['pids'] {
  const hapi = kept.find('hapi');
  return {
    ...(hapi !== undefined && { hapi }),
    gateway: kept.pid('gateway'),
    orthanc: kept.pid('orthanc'),
    postgres: kept.pid('postgres'),
    nginx: kept.pid('nginx'),
  };
}

/** The first signal stops all processes in order. A second signal ends this process immediately, and the kernel then ends its children. */
function stopOnSignal(stop: () => Promise<void>): void {
  let asked = false;
  const stopOnce = async () => {
    if (asked) process.exit(130);
    asked = true;
    console.log('\nstopping …');
    await stop();
    console.log('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stopOnce());
}

// The terminal may close before this process ends. Write errors are therefore ignored.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
try {
  const options = parseOptions(process.argv.slice(2), root);
  const data = await openDataFolder(options.data);
  if (!(await tryLock(`data ${data}`)))
    throw new Error(`a stack is already running with ${data} (its addresses: ${join(data, 'stack.json')})`);
  await start({ ...options, data });
} catch (error) {
  // ^C during the start makes the starting processes fail. This failure is expected and is not reported.
  if (!supervisor?.stopping) {
    console.error(`\nNot started. ${saying(error)}`);
    process.exit(1);
  }
}
