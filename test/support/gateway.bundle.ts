import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { codeCacheOf } from './code.cache.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');
const CACHE = join(ROOT, 'node_modules/.cache/radgate-test');

/** The built gateway and its dependencies in one file. */
const BUNDLE = join(CACHE, 'gateway.cjs');
/** The program that runs the bundle (gateway.runner.ts). */
const RUNNER = join(CACHE, 'runner.cjs');

/** The programs of the threads that render frames and pages. The gateway looks for them beside its own file. */
const WORKERS = [
  'pixels/pixels.worker.js',
  'pixels/pages/page.worker.js',
  'pixels/pictures/picture.worker.js',
];

/** The arguments of Node that run the bundle. */
export const BUNDLED = [RUNNER, BUNDLE] as const;

/** Modules that are not bundled: native code, a module that looks for a file beside its own, and optional parts of Nest, Fastify and pg that are not installed. */
const EXTERNAL = [
  '@node-rs/argon2',
  'sharp',
  '@hyzyla/pdfium',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  '@fastify/multipart',
  '@fastify/static',
  '@fastify/view',
  'class-transformer',
  'class-validator',
  'cloudflare:sockets',
  'pg-native',
];

/**
 * Bundles dist/main.js if the bundle is missing or outdated. A test run starts the gateway about 150 times. A start without the bundle
 * loads 2,000 modules and takes three times as long. test/viewer, test/stack and test/long test dist/main.js itself, which `npm start`
 * runs.
 */
export async function bundleGateway(): Promise<void> {
  if (await isUpToDate()) return;
  await mkdir(CACHE, { recursive: true });
  for (const name of await readdir(CACHE))
    if (name.endsWith('.code')) await rm(join(CACHE, name), { force: true });
  await bundle(join(import.meta.dirname, 'gateway.runner.ts'), RUNNER);
  for (const worker of WORKERS) await bundle(join(DIST, worker), join(CACHE, basename(worker)));
  await bundle(join(DIST, 'main.js'), BUNDLE);
}

/** True if V8's code cache of the bundle exists. The first gateway that runs the bundle writes the cache (templates.ts). */
export const isCodeCached = (): boolean => existsSync(codeCacheOf(BUNDLE));

async function bundle(entry: string, outfile: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    write: false,
    platform: 'node',
    // V8 has a complete code cache only for scripts, so the bundle is a CommonJS module.
    format: 'cjs',
    target: 'node24',
    // The class names must be kept, because Nest distinguishes services by their names.
    keepNames: true,
    external: EXTERNAL.flatMap((name) => [name, `${name}/*`]),
    // A script cannot call import().
    supported: { 'dynamic-import': false },
    // No module of the bundle may run as a command when it is loaded.
    define: { 'import.meta.main': 'false', 'import.meta.url': 'urlOfBundle' },
    banner: { js: "const urlOfBundle = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'error',
  });
  // Another test run may read or write the file at the same time.
  const made = `${outfile}.${process.pid}`;
  await writeFile(made, inAscii(outputFiles[0]?.text ?? ''));
  await rename(made, outfile);
}

/** Escapes the characters of regular expressions that are not ASCII. esbuild escapes only those of strings. */
const inAscii = (code: string): string =>
  code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

async function isUpToDate(): Promise<boolean> {
  const bundled = await stat(BUNDLE).catch(() => undefined);
  if (bundled === undefined) return false;
  const names = await readdir(DIST, { recursive: true });
  const inputs = [
    import.meta.filename,
    join(import.meta.dirname, 'gateway.runner.ts'),
    join(ROOT, 'package-lock.json'),
    ...names.map((name) => join(DIST, name)),
  ];
  const times = await Promise.all(inputs.map(async (input) => (await stat(input)).mtimeMs));
  return times.every((time) => time < bundled.mtimeMs);
}
