import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sampleImage, sampleList, SAMPLES } from '../../infra/demo/samples.ts';
import { provideStack } from '../support/stack.ts';
import type { StackProcess } from '../support/stack.process.ts';
import { Shell, shellLines } from './readme.shell.ts';

const ROOT = join(import.meta.dirname, '../..');
const SECTIONS = ['A tour with curl', 'Import a list'];
/** The expected outputs in order. Each entry has the beginning of the command line, the output, and the exit status if it is not 0. */
const ANSWERS: readonly (readonly [begin: string, answer: RegExp, status?: number])[] = [
  ['person "$WEB/api/me"', /"groups": \[/],
  ['person "$WEB/dicom-web/studies?PatientName', /^\{\n {2}"study": "[\d.]+",\n {2}"patient": ".+"\n\}/],
  ['person "$WEB/dicom-web/studies/$STUDY"', /^$/],
  ['person "$WEB/dicom-web/studies/$STUDY/$INSTANCE/rendered"', /^$/],
  ['post "/api/groups/$GROUP/members"', /^(\{.*\})?$/],
  ['post "/api/groups/$GROUP/grants"', /"studies:store"/],
  ['curl -sk --fail-with-body "$WEB/dicom-web/studies"', /"00081199"/],
  ['admin "$WEB/dicom-web/studies?PatientID=RG-9001"', /^1$/],
  ['person "$WEB/dicom-web/studies?PatientID=RG-9001"', /^0$/],
  ['npm run mapping:test', /2 written, 1 rejected, 1 waiting[^]*waiting words {2}1 Gastrite/, 1],
  [
    'npm run import -- docs/samples/patients.csv --rehearse',
    /rehearsed: 4 rows, 2 created, 1 rejected, 1 waiting/,
    1,
  ],
  [
    'npm run import -- docs/samples/patients.csv ',
    /completed_with_errors: 4 rows, 2 created, 1 rejected, 1 waiting/,
    1,
  ],
  ['admin -N "$WEB/api/imports/$ID/events"', /event: progress\ndata: \{.*"status":"completed_with_errors"/],
  ['admin "$WEB/api/imports/$ID" | jq  ', /"created": 2,[^]*"rejected": 1,[^]*"waiting": 1,/],
  ['admin "$WEB/api/imports/$ID/errors.csv"', /Carla Exemplo.*date-invalid/],
  ['admin "$WEB/api/terms?state=unmapped" |', /"word": "Gastrite",\n {2}"rows_waiting": 1/],
  ['admin "$WEB/api/terms/$WORD/suggestions"', /"items": \[/],
  ['post "/api/terms/$WORD/decide"', /"state": "decided",[^]*"display": "Gastritis"/],
  ['until [ "$(admin "$WEB/api/imports/$ID" | jq .created)" = 3 ]', /^$/],
  [
    'curl -s "$(jq -r .fhir.url .local/stack.json)/Condition',
    /"code": "4556007",\n {6}"display": "Gastritis"/,
  ],
];
const DEFINITION = /^(?:[a-z]+\(\) \{|[A-Z]+=)/;
const VARIABLE = /^([A-Z]+)=/;

let stack: Pick<StackProcess<unknown>, 'data' | 'stop'> | undefined;
let folder: string | undefined;
let shell: Shell;
beforeAll(async () => {
  stack = await provideStack(z.unknown(), '--hapi');
  // The folder contains the files of the repository and, as `.local`, the data folder of this stack.
  folder = await mkdtemp(join(tmpdir(), 'radgate-tour-'));
  for (const name of await readdir(ROOT))
    if (name !== '.local') await symlink(join(ROOT, name), join(folder, name));
  await symlink(stack.data, join(folder, '.local'));
  shell = new Shell(folder);
}, 400_000);
afterAll(async () => {
  await shell?.stop();
  await stack?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

describe('the tour of README.md', () => {
  it('works line by line, as pasted, on a fresh stack', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const lines = SECTIONS.flatMap((heading) => shellLines(readme, heading));
    const [...answers] = ANSWERS;
    for (const line of lines) {
      const [begin, answer, status = 0] = DEFINITION.test(line)
        ? [line, /^$/]
        : (answers.shift() ?? ['—', /^$/]);
      expect(line.startsWith(begin), `no answer is expected of: ${line}`).toBe(true);
      const { said, ...given } = await shell.paste(line);
      expect({ line, ...given, said: said.trim() }).toEqual({
        line,
        status,
        said: expect.stringMatching(answer),
      });
      const [, variable] = VARIABLE.exec(line) ?? [];
      if (variable !== undefined)
        expect((await shell.paste(`echo "$${variable}"`)).said.trim(), line).not.toMatch(/^$|null/);
    }
    expect(answers).toEqual([]);
    for (const [file, magic] of [
      ['study.multipart', '--'],
      ['image.png', '\u0089PNG'],
    ] as const)
      expect((await readFile(join(folder ?? '', file))).toString('latin1', 0, 8)).toContain(magic);
  }, 300_000);

  it('is not passed by a line that fails, at its end or within a pipe', async () => {
    for (const line of [
      'false',
      'false | jq',
      'X=$(curl -s --fail-with-body http://127.0.0.1:9/ | jq)',
      'nonsense',
    ])
      expect((await shell.paste(line)).status, line).not.toBe(0);
    expect((await shell.paste('true')).status).toBe(0);
  });
});

it('the sample files are those that infra/demo makes', async () => {
  expect((await readFile(join(SAMPLES, 'image.dcm'))).equals(sampleImage())).toBe(true);
  expect((await readFile(join(SAMPLES, 'patients.csv'))).equals(sampleList())).toBe(true);
});
