import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { transform, version as esbuildVersion } from 'esbuild';
import { z } from 'zod';
import { BundleRewriter } from './bundle.rewriter.ts';
import { OHIF_INTEGRITY, unpackOhif } from './ohif.package.ts';
import { ONE_PATIENT } from './patient.rules.ts';
import { PUBLIC_PATH } from './public-path.rules.ts';
import { SAVING } from './saving.rules.ts';

export interface ViewerOptions {
  /** The cache folder for downloads and builds. */
  cacheDir: string;
  log: (line: string) => void;
}

const compress = promisify(gzip);
/** The scripts of this project, which are served without changes. */
const OWN_SCRIPTS = [
  'account.js',
  'app-config.js',
  'portal.js',
  'refusal.dialog.js',
  'rights.js',
  'saving.js',
];
const SOURCES = [
  ...OWN_SCRIPTS,
  'build.ts',
  'bundle.rewriter.ts',
  'ohif.package.ts',
  'patient.rules.ts',
  'public-path.rules.ts',
  'saving.rules.ts',
];
const TEXT = new Set(['.js', '.css', '.html', '.json', '.webapp', '.xml', '.svg', '.txt']);
const WORTH_COMPRESSING = new Set([...TEXT, '.wasm']);
const PARALLEL = 4;
const ABANDONED_MS = 3_600_000;
const Inventory = z.record(z.string(), z.string());

const own = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

async function inventory(folder: string): Promise<Record<string, string>> {
  const names = await filesBelow(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(folder, name)))] as const)),
  );
}

async function nameOfInputs(): Promise<string> {
  const hash = createHash('sha256').update(
    `${OHIF_INTEGRITY} esbuild ${esbuildVersion} node ${process.version}`,
  );
  for (const name of SOURCES) hash.update(await readFile(own(name)));
  return `viewer-${hash.digest('hex').slice(0, 16)}`;
}

/** Whether the folder contains exactly the files of a finished build, without any changed byte. */
async function isWhole(built: string): Promise<boolean> {
  try {
    const expected = Inventory.parse(JSON.parse(await readFile(join(built, 'inventory.json'), 'utf8')));
    const found = await inventory(join(built, 'public'));
    const names = Object.keys(found);
    return (
      names.length === Object.keys(expected).length && names.every((name) => found[name] === expected[name])
    );
  } catch {
    return false;
  }
}

async function makeServable(folder: string, path: string, rewriter: BundleRewriter): Promise<void> {
  const file = join(folder, path);
  const kind = extname(path);
  let bytes = await readFile(file);
  if (TEXT.has(kind)) {
    const changed = rewriter.rewrite(path, bytes.toString('utf8'));
    const wanted = kind === '.js' && !path.endsWith('.min.js') && !OWN_SCRIPTS.includes(path);
    const text = wanted ? await minify(changed) : changed;
    bytes = Buffer.from(text, 'utf8');
    await writeFile(file, bytes);
  }
  if (!WORTH_COMPRESSING.has(kind) || bytes.length < 1024) return;
  const packed = await compress(bytes, { level: 9 });
  if (packed.length < bytes.length * 0.95) await writeFile(`${file}.gz`, packed);
}

/** Minifies a script. Moves the licence notices to the end of the script. */
async function minify(source: string): Promise<string> {
  const { code } = await transform(source, { minify: true, legalComments: 'eof', target: 'es2022' });
  return code;
}

async function build(work: string, options: ViewerOptions): Promise<void> {
  const folder = join(work, 'public');
  await unpackOhif(options.cacheDir, folder, options.log);
  for (const name of OWN_SCRIPTS) await copyFile(own(name), join(folder, name));
  const rewriter = new BundleRewriter([...PUBLIC_PATH, ...ONE_PATIENT, ...SAVING]);
  const waiting = await filesBelow(folder);
  const worker = async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      await makeServable(folder, path, rewriter);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  rewriter.assertComplete();
  await chmod(work, 0o755); // The workers of nginx run as another user.
  await writeFile(join(work, 'inventory.json'), JSON.stringify(await inventory(folder)));
}

/**
 * Removes the temporary folders of builds that were killed. A build takes only seconds, so a folder older than `ABANDONED_MS` is not in
 * use.
 */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith('.making-')) continue;
    const folder = join(cacheDir, name);
    const found = await stat(folder).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS)
      await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Renames the temporary folder of a finished build to the final name. If a complete folder with this name exists, another process has just
 * built it. A damaged folder is replaced.
 */
async function settle(work: string, built: string): Promise<void> {
  try {
    await rename(work, built);
  } catch (error) {
    if (await isWhole(built)) return;
    const broken = `${work}-broken`;
    await rename(built, broken).catch(() => undefined);
    await rm(broken, { recursive: true, force: true });
    await rename(work, built).catch(() => {
      throw error;
    });
  }
}

/**
 * Builds the OHIF viewer as static files for `/viewer/` and returns the folder. A file gets a `.gz` copy if the copy is smaller. The same
 * inputs give the same folder. A damaged folder is built again. Throws if the package cannot be downloaded or has a wrong hash.
 */
export async function buildViewer(options: ViewerOptions): Promise<string> {
  await mkdir(options.cacheDir, { recursive: true });
  await removeAbandoned(options.cacheDir);
  const built = join(options.cacheDir, await nameOfInputs());
  if (await isWhole(built)) return join(built, 'public');
  options.log('viewer: building');
  const started = performance.now();
  const work = await mkdtemp(join(options.cacheDir, '.making-'));
  try {
    await build(work, options);
    await settle(work, built);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  options.log(`viewer: built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return join(built, 'public');
}
