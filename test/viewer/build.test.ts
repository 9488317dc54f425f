import { cp, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cacheFolder } from '../../infra/local/prefix.ts';
import { buildViewer } from '../../infra/viewer/build.ts';
import { BundleRewriter } from '../../infra/viewer/bundle.rewriter.ts';
import { PUBLIC_PATH } from '../../infra/viewer/public-path.rules.ts';
import { SAVING } from '../../infra/viewer/saving.rules.ts';
import { isLong } from '../support/long.form.ts';

const PACKAGE = 'ohif-app-3.13.2.tgz';

let cacheDir: string;
let viewer: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'radgate-build-'));
  // A copy of the viewer in the cache, and of its package. The build of the copy verifies both.
  const cache = join(cacheFolder(), 'viewer');
  const cached = dirname(await buildViewer({ cacheDir: cache, log: () => {} }));
  await cp(cached, join(cacheDir, basename(cached)), { recursive: true });
  await cp(join(cache, PACKAGE), join(cacheDir, PACKAGE)).catch(() => {});
  viewer = await buildViewer({ cacheDir, log: () => {} });
});
afterAll(async () => await rm(cacheDir, { recursive: true, force: true }));

const refuse = (line: string) => {
  throw new Error(line);
};

async function build(): Promise<string[]> {
  const lines: string[] = [];
  expect(await buildViewer({ cacheDir, log: (line) => lines.push(line) })).toBe(viewer);
  return lines;
}

it('has a page whose every address is a file under /viewer/, without inline scripts', async () => {
  const page = await readFile(join(viewer, 'index.html'), 'utf8');
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? '');
  expect(addresses.length).toBeGreaterThan(20);
  for (const address of addresses) {
    expect(address).toMatch(/^\/viewer\//);
    await expect(stat(join(viewer, address.slice('/viewer/'.length)))).resolves.toBeDefined();
  }
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>/);
});

it('leaves out the inference models, the service worker and the source maps', async () => {
  const files = await readdir(viewer, { recursive: true });
  expect(files.filter((file) => /^ort\/|^sw\.js|\.map(\.gz)?$/.test(file))).toEqual([]);
});

it('has beside each large text the same text compressed', async () => {
  const files = await readdir(viewer, { recursive: true });
  const packed = files.filter((file) => file.endsWith('.gz'));
  expect(packed).toContain('app-config.js.gz');
  expect(packed.filter((file) => file.endsWith('.js.gz')).length).toBeGreaterThan(60);
  for (const file of packed) {
    const plain = await readFile(join(viewer, file.replace(/\.gz$/, '')));
    expect(gunzipSync(await readFile(join(viewer, file))).equals(plain), file).toBe(true);
  }
});

it('is kept as long as it is whole, and made again when a byte of it changed', async () => {
  expect(await build()).toEqual([]);
  await writeFile(join(viewer, 'app-config.js'), 'window.config = {};');
  // In `npm test`, the first line of the log ends the new build, because a whole build takes fifteen seconds of processor time.
  if (!isLong) {
    await expect(buildViewer({ cacheDir, log: refuse })).rejects.toThrow('viewer: building');
    return;
  }
  expect(await build()).toContain('viewer: building');
  expect(await readFile(join(viewer, 'app-config.js'), 'utf8')).toContain("routerBasename: '/viewer'");
});

// Only the long form runs this test, because it downloads the package.
if (isLong)
  it('is made again when a file is missing, from a package fetched again when that is damaged', async () => {
    await rm(join(viewer, 'manifest.json'));
    await truncate(join(cacheDir, PACKAGE), 1000);
    expect((await build()).join('\n')).toContain('fetching');
    expect(await build()).toEqual([]);
  });

it('refuses an OHIF build that it was not written for', () => {
  for (const rules of [PUBLIC_PATH, SAVING]) {
    const rewriter = new BundleRewriter(rules);
    rewriter.rewrite('index.html', '<script src="/app-config.js"></script>');
    expect(() => rewriter.assertComplete()).toThrow(/not the expected one/);
  }
});
