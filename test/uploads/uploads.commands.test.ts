import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startWorld, type World } from '../support/world.ts';
import { jpegOf, pdfOf } from './upload.files.ts';
import { bringer, newPatient, UploadedReport } from './upload.world.ts';

const execute = promisify(execFile);
const PAGE = join(import.meta.dirname, '../../docs/uploads.md');

let world: World;
let folder: string;
beforeAll(async () => {
  world = await startWorld();
  folder = await mkdtemp(join(tmpdir(), 'radgate-commands-'));
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world?.stop();
});

it('the commands of docs/uploads.md work as they are written', async () => {
  const lee = await bringer(world);
  const [study, patientId] = [freshUid(), newPatient()];
  await world.store(lee.caller, [makeInstance({ studyUid: study, patientId })]).expect(200);
  await writeFile(join(folder, 'wound.jpg'), await jpegOf());
  await writeFile(join(folder, 'letter.pdf'), pdfOf());
  const page = await readFile(PAGE, 'utf8');
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((found) => found[1] ?? '');
  expect(blocks.length).toBeGreaterThanOrEqual(4);
  const variables = {
    PATH: process.env['PATH'] ?? '',
    URL: world.gateway.url,
    TOKEN: lee.caller.authorization.replace('Bearer ', ''),
    STUDY: study,
    USER_ID: lee.caller.id,
    UPLOAD: '',
  };
  for (const block of blocks) {
    // A refusal must end the block.
    const script = `set -e; curl() { command curl --fail-with-body "$@"; }\n${block}`;
    const { stdout } = await execute('bash', ['-c', script], { cwd: folder, env: variables });
    // Each block prints at least one JSON document.
    expect(stdout).toContain('"upload_id"');
    variables.UPLOAD ||= UploadedReport.parse(JSON.parse(stdout)).upload_id;
  }
});
