import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');
const CACHE = join(ROOT, 'node_modules/.cache/radgate-test');

/** The built gateway and its dependencies in one file. */
export const BUNDLE = join(CACHE, 'gateway.mjs');

/** The folder of Node's compile cache. The first start of the gateway fills the cache, and later starts read it. */
export const compileCache = { NODE_COMPILE_CACHE: join(CACHE, 'compiled') };

/** Modules that are not bundled: native code, and optional parts of Nest, Fastify and pg that are not installed. */
const EXTERNAL = [
  '@node-rs/argon2',
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

/** Code that defines the variables that CommonJS modules expect. */
const COMMON_JS = `
import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);
const { filename: __filename, dirname: __dirname } = import.meta;`;

/**
 * Bundles dist/main.js if the bundle is missing or outdated. A test run starts the gateway about 150 times. A start without the bundle
 * loads 2,000 modules and takes three times as long. test/viewer, test/stack and test/long test dist/main.js itself, which `npm start`
 * runs.
 */
export async function bundleGateway(): Promise<void> {
  if (await isUpToDate()) return;
  const { outputFiles } = await build({
    entryPoints: [join(DIST, 'main.js')],
    outfile: BUNDLE,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // The class names must be kept, because Nest distinguishes services by their names.
    keepNames: true,
    external: EXTERNAL.flatMap((name) => [name, `${name}/*`]),
    // No module of the bundle may run as a command when it is loaded.
    define: { 'import.meta.main': 'false' },
    banner: { js: COMMON_JS },
    logLevel: 'error',
  });
  await mkdir(CACHE, { recursive: true });
  // Another test run may read or write the bundle at the same time.
  const made = `${BUNDLE}.${process.pid}`;
  await writeFile(made, outputFiles[0]?.contents ?? '');
  await rename(made, BUNDLE);
}

async function isUpToDate(): Promise<boolean> {
  const bundled = await stat(BUNDLE).catch(() => undefined);
  if (bundled === undefined) return false;
  const names = await readdir(DIST, { recursive: true });
  const inputs = [
    import.meta.filename,
    join(ROOT, 'package-lock.json'),
    ...names.map((name) => join(DIST, name)),
  ];
  const times = await Promise.all(inputs.map(async (input) => (await stat(input)).mtimeMs));
  return times.every((time) => time < bundled.mtimeMs);
}
