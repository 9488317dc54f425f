// `npm run bench`: sends the same requests to one archive on three paths, and compares the paths. Then measures reads of images, the decoding
// of pixels, a new gateway in front of a full archive, and imports. Prints Markdown tables. `npm run bench -- images`,
// `npm run bench -- pixels`, `npm run bench -- imports [ROWS]` and `npm run bench -- adoption [INSTANCES]` run only one measurement.
// `npm run bench -- storing [ROUNDS]` and `npm run bench -- lists [STUDIES]` compare STOW-RS and QIDO-RS with those of Orthanc.
// `npm run bench -- full-server [PATIENTS]` runs only when it is named, because it takes half an hour.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAll } from '../infra/local/build.ts';
import { benchAdoption } from './adoption.ts';
import { benchFullServer } from './full.server.ts';
import { benchImports } from './imports.ts';
import { benchLists } from './lists.ts';
import { benchPixels } from './pixels.ts';
import { startBenchStack, type BenchStack } from './bench.stack.ts';
import { run, signIn, storeAll } from './bench.steps.ts';
import { benchImages } from './images.ts';
import { sample, type Slice } from './samples.ts';
import { benchStoring } from './storing.ts';
import type { Measured, Wish } from './wish.ts';

const ROUNDS = 3;
const MILLISECONDS = 2000;
const FRAME_BYTES = 512 * 1024;
const SLICES = 300;
const STUDIES = 100;
const FRAME_TYPE = 'multipart/related; type="application/octet-stream"';
const WAYS = ['orthanc', 'recipe', 'gateway'] as const;

type Way = (typeof WAYS)[number];
type Comparison = { what: string; unit: 'requests/s' | 'instances/s'; wishes: Partial<Record<Way, Wish>> };

const say = (line: string) => process.stderr.write(`${line}\n`);

/**
 * Measures the paths in rounds. Each round measures every path once, so that other load on the machine affects all paths equally. Returns
 * the medians.
 */
async function compare({ what, unit, wishes }: Comparison): Promise<string> {
  say(what);
  const results = new Map<Way, Measured[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const way of WAYS) {
      const wish = wishes[way];
      if (wish !== undefined) results.set(way, [...(results.get(way) ?? []), await run(wish)]);
    }
  }
  const cells = WAYS.map((way) => median(results.get(way)));
  const [orthanc, recipe, gateway] = cells;
  const ratio = (other: Measured | undefined) =>
    other === undefined || gateway === undefined
      ? '–'
      : `${(gateway.perSecond / other.perSecond).toFixed(2)} ×`;
  return `| ${what}, ${unit} | ${cells.map(cell).join(' | ')} | ${ratio(orthanc)} | ${ratio(recipe)} |`;
}

/** Returns a table cell with the rate, and with the 95th percentile of the request duration in milliseconds. */
function cell(one: Measured | undefined): string {
  if (one === undefined) return '–';
  return `${one.perSecond.toFixed(one.perSecond < 100 ? 1 : 0)} (${one.p95.toFixed(1)})`;
}

function median(all: readonly Measured[] | undefined): Measured | undefined {
  return all?.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(all.length / 2)];
}

function comparisons(stack: BenchStack, authorization: string, slices: readonly Slice[]): Comparison[] {
  const headers: Record<Way, Record<string, string>> = {
    orthanc: { authorization: stack.basic },
    recipe: {},
    gateway: { authorization },
  };
  const ask = (connections: number, paths: string[], accept: string): Record<Way, Wish> => {
    const wish = (way: Way): Wish => ({
      kind: 'ask',
      url: stack[way],
      headers: { ...headers[way], accept },
      connections,
      paths: paths.map((path) => `/dicom-web${path}`),
      milliseconds: MILLISECONDS,
    });
    return { orthanc: wish('orthanc'), recipe: wish('recipe'), gateway: wish('gateway') };
  };
  const store = (way: Way, connections: number): Wish => ({
    kind: 'store',
    url: stack[way],
    headers: headers[way],
    connections,
    instances: 100,
    pixelBytes: FRAME_BYTES,
    ...(way === 'gateway' ? { path: '/dicom-web/studies', perRequest: 25 } : { path: '/instances' }),
  });
  const stores = (connections: number) => ({
    orthanc: store('orthanc', connections),
    recipe: store('recipe', connections),
    gateway: store('gateway', connections),
  });
  const [first] = slices;
  const series = `/studies/${first?.studyUid}/series/${first?.seriesUid}`;
  const frames = slices.map(({ sopUid }) => `${series}/instances/${sopUid}/frames/1`);
  const json = 'application/dicom+json';
  return [
    { what: 'Store 0.5 MB, 1 sender', unit: 'instances/s', wishes: stores(1) },
    { what: 'Store 0.5 MB, 4 senders', unit: 'instances/s', wishes: stores(4) },
    {
      what: 'Frame of 0.5 MB, 8 connections',
      unit: 'requests/s',
      wishes: ask(8, frames, FRAME_TYPE),
    },
    { what: 'Metadata of 300 slices', unit: 'requests/s', wishes: ask(1, [`${series}/metadata`], json) },
    { what: 'Search, 20 studies', unit: 'requests/s', wishes: ask(4, ['/studies?limit=20'], json) },
    {
      what: 'Search by name, 100 studies',
      unit: 'requests/s',
      wishes: ask(4, ['/studies?PatientName=Bench*&limit=100'], json),
    },
  ];
}

async function benchArchive(): Promise<void> {
  const stack = await startBenchStack(say);
  try {
    const authorization = await signIn(stack);
    const slices = sample(SLICES, FRAME_BYTES);
    say(`storing a series of ${SLICES} slices and ${STUDIES} studies`);
    await storeAll(stack, authorization, slices);
    for (let study = 0; study < STUDIES; study += 1) await storeAll(stack, authorization, sample(1, 1024));
    const rows: string[] = [];
    for (const comparison of comparisons(stack, authorization, slices)) rows.push(await compare(comparison));
    console.log(`| what | Orthanc | nginx → Orthanc | gateway | gateway : Orthanc | gateway : nginx |
|---|---|---|---|---|---|
${rows.join('\n')}

Medians of ${ROUNDS} rounds in turns on this machine; in brackets the 95th percentile of one request in ms (storing through the gateway: of 25 instances). The gateway signs in, decides and audits; the other two let everybody through.`);
  } finally {
    await stack.stop();
  }
}

const ROWS = 1_000_000;
const INSTANCES = 5_000;
const LISTED_STUDIES = 3_000;
const [only, size] = process.argv.slice(2);
const PATIENTS = 100_000;
const PARTS = ['archive', 'images', 'pixels', 'storing', 'lists', 'adoption', 'imports', 'full-server'];
if (only !== undefined && !PARTS.includes(only)) {
  say(`Unknown measurement '${only}'. Available: ${PARTS.join(', ')}.`);
  process.exit(2);
}
const isWanted = (part: string) => only === undefined || only === part;
await buildAll(say);
if (isWanted('archive')) await benchArchive();
if (isWanted('images')) {
  const images = await benchImages(Number(size ?? MILLISECONDS), say);
  console.log(images);
  await writeFile(
    join(import.meta.dirname, 'RESULTS.md'),
    `# Reads of images\n\n\`npm run bench -- images\` wrote this file.\n\n${images}\n`,
  );
}
if (isWanted('pixels')) console.log(await benchPixels(say));
if (isWanted('storing')) console.log(await benchStoring(Number(size ?? ROUNDS), say));
if (isWanted('lists')) console.log(await benchLists(Number(size ?? LISTED_STUDIES), say));
if (isWanted('adoption')) console.log(await benchAdoption(Number(size ?? INSTANCES), say));
if (isWanted('imports')) console.log(await benchImports(Number(size ?? ROWS), say));
if (only === 'full-server') console.log(await benchFullServer(Number(size ?? PATIENTS), say));
