import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { jpegOf, pdfOf } from './upload.files.ts';
import { newPatient } from './upload.world.ts';

const PROGRAM = join(import.meta.dirname, '../../infra/local/upload.ts');

let world: World;
let folder: string;
beforeAll(async () => {
  world = await startWorld();
  folder = await mkdtemp(join(tmpdir(), 'radgate-upload-'));
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world?.stop();
});

it('npm run upload sends the files of a folder, tells what is refused, and can be repeated', async () => {
  const { key } = await world.machine();
  await mkdir(join(folder, 'below'));
  await writeFile(join(folder, 'below', 'a.jpg'), await jpegOf());
  await writeFile(join(folder, 'b.pdf'), pdfOf());
  await writeFile(join(folder, 'c.txt'), 'a text');
  const args = [PROGRAM, folder, '--patient', newPatient()];
  const run = () =>
    new Promise<{ status: number | null; said: string }>((resolve) => {
      const env = { PATH: process.env['PATH'], RADGATE_URL: world.gateway.url, RADGATE_KEY: key };
      const child = execFile(process.execPath, args, { env }, (_error, said) =>
        resolve({ status: child.exitCode, said }),
      );
    });
  const first = await run();
  expect(first.said).toMatch(/a\.jpg: stored\n/);
  expect(first.said).toMatch(/c\.txt: refused\. Unsupported kind of file/);
  expect(first.said).toMatch(/2 of 3 files are stored\.\n$/);
  expect(first.status).toBe(1);
  expect((await run()).said).toMatch(/b\.pdf: stored before\n/);
});
