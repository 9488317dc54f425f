import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { sheetRows, workbook } from '../csv/workbook.maker.ts';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { sample } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk, countedRows, type Report } from './import.world.ts';
import { cpfOf, HEADER, list, row } from './lists.ts';

let hapi: TestHapi;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  world = await startWorld({ FHIR_BASE_URL: hapi.url, LOG_LEVEL: 'debug' });
}, 200_000);
afterAll(() => world?.stop());

/** Most faulty rows have this text in a cell. Only routes that return rows may return the text. */
const CANARY = 'Kanarienvogel';
const Items = z.object({
  items: z.array(
    z.object({
      row: z.number(),
      state: z.string(),
      issues: z.array(
        z.object({
          code: z.string(),
          severity: z.string(),
          column: z.string().optional(),
          field: z.string().optional(),
          other_row: z.number().optional(),
          message: z.string(),
        }),
      ),
    }),
  ),
});
type Item = z.infer<typeof Items>['items'][number];

const line = (cells: readonly string[]) => cells.join(',');
const bad = (at: number, cells: Parameters<typeof row>[1] = {}) =>
  line(row(cpfOf(at), { name: `${CANARY} ${at}`, ...cells }));

/** Each entry has the name of the fault, the record in the file, and the expected finding. */
const FAULTS: readonly (readonly [string, string, { code: string; column?: string; state?: string }])[] = [
  ['a required cell is empty', bad(1, { name: ' ' }), { code: 'required-missing', column: 'name' }],
  ['the identifier is empty', line(row('', { name: CANARY })), { code: 'required-missing', column: 'cpf' }],
  [
    'a day that does not exist',
    bad(2, { birth: '31/02/1980' }),
    { code: 'date-invalid', column: 'birth_date' },
  ],
  ['two digits for a year', bad(3, { birth: '01/02/80' }), { code: 'date-invalid', column: 'birth_date' }],
  ['a birth in the future', bad(4, { birth: '01/02/2999' }), { code: 'date-future', column: 'birth_date' }],
  ['an unknown gender', bad(5, { gender: CANARY }), { code: 'gender-unknown-word', column: 'gender' }],
  ['a wrong check digit', bad(6), { code: 'cpf-check-digits', column: 'cpf' }],
  ['one digit eleven times', line(row('111.111.111-11')), { code: 'cpf-placeholder', column: 'cpf' }],
  ['too few digits', line(row('123.456')), { code: 'cpf-format', column: 'cpf' }],
  ['a rounded identifier', line(row('"1,23E+10"')), { code: 'identifier-scientific', column: 'cpf' }],
  [
    'a pregnant man',
    bad(7, { gender: 'Masculino', note: 'Gestante' }),
    { code: 'pregnant-male', column: 'note' },
  ],
  ['a cell of 64 KiB', bad(8, { name: `${CANARY} ${'x'.repeat(66_000)}` }), { code: 'row-too-large' }],
  [
    'a long name',
    bad(9, { name: `${CANARY} ${'x'.repeat(400)}` }),
    { code: 'cell-too-long', column: 'name' },
  ],
  ['a formula', bad(10, { name: `=${CANARY}()` }), { code: 'cell-formula', column: 'name' }],
  ['NUL', bad(11, { name: `${CANARY}\0` }), { code: 'cell-nul', column: 'name' }],
  ['a control character', bad(12, { name: `${CANARY}\u0007` }), { code: 'cell-control', column: 'name' }],
  ['too many cells', `${bad(13)},${CANARY}`, { code: 'column-count' }],
  ['too few cells', `${CANARY},${cpfOf(14)}`, { code: 'column-count' }],
  ['a quote that is not closed', `"${bad(15)}`, { code: 'quote-broken' }],
  ['a quote within a cell', bad(16, { name: `Ana "${CANARY}" Silva` }), { code: 'quote-broken' }],
];
/** Rows that are written with a warning. */
const WARNINGS: typeof FAULTS = [
  ['a number nobody can dial', bad(17, { phone: '123' }), { code: 'phone-format', column: 'phone' }],
  ['an unknown country', bad(18, { country: CANARY }), { code: 'country-unknown', column: 'birth_country' }],
  ['an unknown word', bad(19, { note: CANARY }), { code: 'term-unmapped', column: 'note', state: 'waiting' }],
];
const DOUBLE = [bad(20), bad(20, { phone: '(11) 98888-7777' })];

describe('a list with every fault there is', () => {
  let clerk: Clerk;
  let report: Report;
  let items: Map<number, Item>;
  // A foreign phone number is valid.
  const good = line(row('529.982.247-25', { phone: '+351 21 123 4567' }));
  const lines = [...FAULTS, ...WARNINGS].map(([, text]) => text);
  beforeAll(async () => {
    clerk = await Clerk.start(world, policies('error', 'warn'));
    const strict = await Clerk.start(world, policies('error', 'error'));
    const file = Buffer.from([HEADER, ...lines, ...DOUBLE, good, ''].join('\n'));
    report = await clerk.import(file);
    const rows = await clerk.get(`/api/imports/${report.file_id}/rows?limit=1000`).expect(200);
    items = new Map(Items.parse(rows.body).items.map((item) => [item.row, item]));
    const refused = await strict.import(Buffer.from([HEADER, bad(30), good, ''].join('\n')));
    expect(refused).toMatchObject({ created: 1, rejected: 1, reasons: { 'cpf-check-digits': 1 } });
  }, 90_000);

  it.each(FAULTS.map((fault, at) => [fault[0], at + 2, fault[2]] as const))(
    '%s: row %i says so',
    (_name, number, { code, column }) => {
      const item = items.get(number);
      const found = item?.issues.find((issue) => issue.code === code);
      expect(item?.issues.map((issue) => issue.code)).toContain(code);
      expect(found?.field).toBe(column);
      if (column !== undefined) expect(HEADER.split(',')).toContain(found?.column);
      // Wrong check digits cause only a warning in this mapping. Every other fault rejects its row.
      if (code !== 'cpf-check-digits') expect(item?.state).toBe('rejected');
    },
  );

  it.each(WARNINGS.map((fault, at) => [fault[0], FAULTS.length + at + 2, fault[2]] as const))(
    '%s: row %i is written and says so',
    (_name, number, { code, column, state = 'created' }) => {
      expect(items.get(number)).toMatchObject({ state });
      expect(items.get(number)?.issues.find((issue) => issue.code === code)?.field).toBe(column);
    },
  );

  it('refuses both rows of one patient, and goes on to the end', () => {
    const [first, second, last] = [2, 3, 4].map((after) => items.get(lines.length + after));
    for (const [one, other] of [
      [first, second],
      [second, first],
    ]) {
      expect(one?.state).toBe('rejected');
      const reason = one?.issues.find(({ code }) => code === 'duplicate-in-file');
      expect(reason?.other_row).toBe(other?.row);
    }
    expect(last).toMatchObject({ state: 'created', issues: [] });
    expect(countedRows(report)).toBe(lines.length + 3);
    expect(report.rows_total).toBe(lines.length + 3);
  });

  it('tells nothing of a cell in logs, jobs, metrics, events or the audit', async () => {
    const outcome = await clerk.get(`/api/imports/${report.file_id}/outcome`).expect(200);
    const said = [
      await world.gateway.logged(),
      JSON.stringify(await world.sql`select * from queue.job`),
      JSON.stringify(await world.sql`select * from import_events`),
      JSON.stringify(await world.sql`select * from audit`),
      JSON.stringify(await world.sql`select issues, patient, content from import_rows`),
      JSON.stringify(await world.sql`select source, failure from imports`),
      JSON.stringify(outcome.body),
      (await clerk.get(`/api/imports/${report.file_id}/events`).expect(200)).text,
      await world.gateway.metrics(),
    ].join('\n');
    expect(said).toContain(report.file_id);
    expect(said).not.toContain(CANARY);
    expect(said).not.toMatch(/444\.?000|52998224725|3333-?4444/);
  });

  it('comes back as errors.csv: what could not be split stays as it was and is refused again', async () => {
    const errors = await clerk.get(`/api/imports/${report.file_id}/errors.csv`).expect(200);
    const again = await clerk.import(Buffer.from(errors.text));
    expect(again).toMatchObject({ created: 0, updated: 0, rejected: report.rejected, waiting: 1 });
  }, 60_000);
});

describe('a file that cannot be read', () => {
  const unread: readonly (readonly [string, string, Buffer, Readonly<Record<string, string>>])[] = [
    ['nothing', 'file-empty', Buffer.alloc(0), {}],
    ['a header alone', 'file-header-only', list(), {}],
    ['no header', 'file-header-missing', Buffer.from(`${line(row(cpfOf(1)))}\n`), {}],
    ['other columns', 'file-header-missing', Buffer.from('a,b\n1,2\n'), {}],
    ['a header without a required column', 'file-column-missing', Buffer.from('Nome,Telefone\nA,1\n'), {}],
    ['one column twice', 'file-column-double', Buffer.from('Nome,CPF,Paciente\nA,1,B\n'), {}],
    ['a column without a name', 'file-column-unnamed', Buffer.from('Nome,CPF,\nA,1,B\n'), {}],
    ['300 columns', 'file-columns-too-many', Buffer.from(`Nome,CPF,${many(300)}\nA,1\n`), {}],
    ['a spreadsheet', 'file-spreadsheet', Buffer.from('PK\u0003\u0004....[Content_Types].xml....'), {}],
    ['a workbook that grows and grows', 'file-gzip-bomb', workbook(sheetRows(['x']).repeat(1_000_000)), {}],
    ['an archive', 'file-archive', Buffer.from('PK\u0003\u0004....list.csv....'), {}],
    ['a picture', 'file-binary', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0]), {}],
    ['gzip that grows and grows', 'file-gzip-bomb', gzipSync(Buffer.alloc(40 * 2 ** 20, 'x')), {}],
    ['gzip that was cut', 'file-gzip-broken', gzipSync(patientFile()).subarray(0, 600), {}],
    ['an encoding it is not in', 'file-encoding-wrong', patientFile(), { encoding: 'utf-8' }],
    ['one line of 8 MB', 'file-header-missing', Buffer.alloc(8 * 2 ** 20, 'x'), {}],
    ['quotes everywhere', 'file-broken-quotes', Buffer.from(`Nome,CPF\n${'a "b" c,1\n'.repeat(1_100)}`), {}],
  ];
  let reader: Clerk;
  beforeAll(async () => {
    reader = await Clerk.start(world);
  });

  it('is not taken at all when the encoding that is named is none', async () => {
    const clerk = await Clerk.start(world);
    const answer = await clerk.upload(patientFile(), { encoding: 'klingon' }).expect(422);
    expect(answer.body).toMatchObject({ field: 'encoding' });
    const [stored] = await world.sql`select count(*)::int as imports from imports where encoding = 'klingon'`;
    expect(stored).toEqual({ imports: 0 });
    await clerk.upload(list(row(cpfOf(1))), { encoding: 'ISO-8859-1' }).expect(202);
  }, 40_000);

  it('fails when its mapping names an encoding nobody knows', async () => {
    const clerk = await Clerk.start(world, {
      source: { ...SHIPPED_MAPPINGS[0]?.source, encoding: 'klingon' },
    });
    expect(await clerk.import(patientFile())).toMatchObject({ failure: 'file-encoding-unknown' });
  }, 40_000);

  it.each(sample(unread, 6))(
    '%s fails with %s, and its bytes are not kept as rows',
    async (_name, failure, file, query) => {
      const report = await reader.import(file, query);
      expect(report).toMatchObject({ status: 'failed', failure, rows_total: 0 });
    },
    40_000,
  );

  it.each([
    ['cpf', 'Nome,Telefone\nA,1\n', 'file-column-missing'],
    ['Nome, Paciente', 'Nome,CPF,Paciente\nA,1,B\n', 'file-column-double'],
  ])(
    'says in words which columns it is about: %s',
    async (columns, text, failure) => {
      const clerk = await Clerk.start(world);
      const { file_id: id, ...report } = await clerk.import(Buffer.from(text));
      const details = {
        message: expect.any(String),
        suggestion: expect.any(String),
        columns: columns.split(', '),
      };
      expect(report).toMatchObject({ failure, failure_details: details });
      const outcome = await clerk.get(`/api/imports/${id}/outcome`).expect(200);
      expect(outcome.body).toMatchObject({
        issue: [
          { severity: 'information' },
          {
            severity: 'error',
            details: { coding: [{ code: failure }] },
            expression: columns.split(', ').map((column) => `column ${column}`),
          },
        ],
      });
    },
    40_000,
  );

  it('a column named __proto__ is a column like any other', async () => {
    const clerk = await Clerk.start(world);
    const file = Buffer.from(`Nome,CPF,__proto__,constructor\nAna Silva,${cpfOf(1)},{},toString\n`);
    const report = await clerk.import(file);
    expect(report).toMatchObject({ status: 'completed', created: 1 });
    expect(report.source?.['ignored_columns']).toEqual(['__proto__', 'constructor']);
    expect(report.findings).toMatchObject([
      { severity: 'warning', code: 'columns-ignored', columns: ['__proto__', 'constructor'] },
    ]);
  }, 40_000);

  it('a damaged byte rejects its row only, and the report says it', async () => {
    const clerk = await Clerk.start(world);
    const lines = [`Nome,CPF,Gênero\nJoão Silva,${cpfOf(1)},Masculino\nJos`, `,${cpfOf(2)},Masculino\n`];
    const file = Buffer.concat([
      Buffer.from(lines[0] ?? ''),
      Buffer.from([0xe9]),
      Buffer.from(lines[1] ?? ''),
    ]);
    const report = await clerk.import(file);
    expect(report).toMatchObject({
      status: 'completed_with_errors',
      created: 1,
      rejected: 1,
      reasons: { 'cell-undecodable': 1 },
      source: { encoding: 'utf-8', encoding_reason: 'damaged-utf-8', ignored_columns: [] },
      findings: [{ code: 'text-damaged' }],
    });
    const outcome = await clerk.get(`/api/imports/${report.file_id}/outcome`).expect(200);
    expect(JSON.stringify(outcome.body)).toContain('text-damaged');
  }, 40_000);

  it('gzip is read as the list it holds', async () => {
    const clerk = await Clerk.start(world);
    const file = gzipSync(list(row(cpfOf(1)), row(cpfOf(2))));
    expect(await clerk.import(file)).toMatchObject({ status: 'completed', created: 2 });
  }, 60_000);

  it('a workbook is read with the rows of its sheet, without title lines and footers', async () => {
    const clerk = await Clerk.start(world);
    const [good, faulty] = [row(cpfOf(1)), row(cpfOf(2), { birth: '31/02/1980' })];
    const rows = sheetRows(['Lista de pacientes'], [...COLUMNS], good, faulty, ['Total: 2']);
    const report = await clerk.import(workbook(rows), { sheet: 'pacientes' });
    expect(report).toMatchObject({
      sheet: 'pacientes',
      status: 'completed_with_errors',
      created: 1,
      rejected: 1,
      findings: [
        { code: 'title-lines-skipped', rows: [1] },
        { code: 'footer-lines-skipped', rows: [5] },
      ],
    });
    const rejected = await clerk.get(`/api/imports/${report.file_id}/rows?state=rejected`).expect(200);
    expect(rejected.body).toMatchObject({ items: [{ row: 4, issues: expect.any(Array) }], total: 1 });
    // Another sheet is another import, and a sheet that does not exist ends it.
    expect(await clerk.import(workbook(rows), { sheet: '2' })).toMatchObject({
      status: 'failed',
      failure: 'file-sheet-missing',
    });
  }, 60_000);
});

describe('the rows of a list of several chunks', () => {
  const ROWS = 1_203;
  const GOOD = new Set([10, 501, 502, 1_204]);
  const Page = Items.extend({ total: z.number() });

  const rows = Array.from({ length: ROWS }, (_, at) =>
    row(cpfOf(at), GOOD.has(at + 2) ? {} : { birth: '31/02/1980' }),
  );
  let clerk: Clerk;
  let report: Report;
  beforeAll(async () => {
    clerk = await Clerk.start(world);
    report = await clerk.import(list(...rows), { mode: 'rehearse' });
  });

  it('are told by their state, page by page, each once, with their number', async () => {
    expect(report).toMatchObject({ rejected: ROWS - GOOD.size, created: GOOD.size });
    const page = async (query: string) =>
      Page.parse((await clerk.get(`/api/imports/${report.file_id}/rows?${query}`).expect(200)).body);
    const numbers = async (query: string) => (await page(query)).items.map((item) => item.row);
    const every = rows.map((_, at) => at + 2);
    for (const [state, expected] of [
      ['state=rejected', every.filter((number) => !GOOD.has(number))],
      ['state=created', [...GOOD]],
      ['state=waiting', []],
      ['state=pending', []],
      ['', every],
    ] as const) {
      const found: number[] = [];
      const pages = Math.ceil(expected.length / 333);
      for (let at = 1; at <= pages; at += 1) found.push(...(await numbers(`${state}&limit=333&page=${at}`)));
      expect(found).toEqual(expected);
      for (const beyond of [pages + 1, 999_999_999])
        expect(await page(`${state}&limit=333&page=${beyond}`)).toEqual({
          items: [],
          total: expected.length,
        });
    }
    expect(await numbers('state=created&limit=1&page=3')).toEqual([502]);
    expect(await numbers('state=rejected&limit=2&page=250')).toEqual([503, 504]);
  }, 60_000);

  it('are a thousand issues in the OperationOutcome, which tells how many there are', async () => {
    const outcome = await clerk.get(`/api/imports/${report.file_id}/outcome`).expect(200);
    const { issue } = z.object({ issue: z.array(z.object({ diagnostics: z.string() })) }).parse(outcome.body);
    expect(issue).toHaveLength(1_000);
    const total = Object.values(report.reasons).reduce((sum, count) => sum + count, 0);
    expect(issue[0]?.diagnostics).toContain(`${ROWS} of ${ROWS} rows done, ${total} issues`);
    const errors = await clerk.get(`/api/imports/${report.file_id}/errors.csv`).expect(200);
    expect(errors.text.trimEnd().split('\r\n')).toHaveLength(report.rejected + 1);
  }, 60_000);
});

function policies(duplicates: string, digits: string): object {
  return { policies: { duplicate_in_file: duplicates, cpf_check_digits: digits } };
}

function many(columns: number): string {
  return Array.from({ length: columns }, (_, at) => `c${at}`).join(',');
}
