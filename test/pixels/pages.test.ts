import { deflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { makePdf } from '../../infra/demo/pdf.maker.ts';
import type { PageAnswer, PageTask } from '../../src/pixels/pages/page.worker.js';
import { PageWorkers } from '../../src/pixels/pages/page.workers.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { WorkerPool } from '../../src/pixels/worker.pool.js';
import { Dice } from '../dicomweb/dicom.mutations.ts';
import { longForm } from '../support/long.form.ts';

const sound = makePdf('Report', ['of one page']).toString('latin1');
const BOX = { width: 128, height: 128 };
const MUTATIONS = longForm(300, 12);

// The worker is a program of its own, so the built one runs.
const pool = new WorkerPool<PageTask, PageAnswer>(
  new URL('../../dist/pixels/pages/page.worker.js', import.meta.url),
  1,
);
const workers = new PageWorkers(pool);
afterAll(() => workers.close());

let names = 0;
const render = (pdf: string, box = BOX) =>
  workers.render(`document ${(names += 1)}`, new Uint8Array(Buffer.from(pdf, 'latin1')), box);

/** A PDF with one page that has this content stream and media box. */
function page(content: Buffer | string, box = '0 0 595 842', filter = ''): string {
  const stream = Buffer.from(content).toString('latin1');
  return sound
    .replace('[0 0 595 842]', `[${box}]`)
    .replace(
      /<< \/Length \d+ >>\nstream\n[^]*?\nendstream/,
      () => `<< /Length ${stream.length}${filter} >>\nstream\n${stream}\nendstream`,
    );
}

describe('the first page of a PDF', () => {
  it.each([
    [BOX, 90, 128],
    [{ width: 50, height: 500 }, 50, 71],
  ])('fits into %o', async (box, width, height) => {
    const picture = await render(sound, box);
    expect([picture.width, picture.height, picture.channels]).toEqual([width, height, 3]);
    expect(picture.samples).toHaveLength(width * height * 3);
    // White paper with dark text.
    expect(picture.samples[0]).toBe(255);
    expect(Math.min(...picture.samples)).toBeLessThan(200);
  });

  it('shows colours as red, green and blue', async () => {
    const { samples } = await render(page('1 0 0 rg 0 0 595 842 re f'));
    expect(Array.from(samples.slice(3 * 64 * 90, 3 * 64 * 90 + 3))).toEqual([255, 0, 0]);
  });
});

describe('a broken PDF is refused', () => {
  it.each([
    ['nothing', ''],
    ['no PDF', 'a text'],
    ['its beginning', sound.slice(0, 300)],
    ['no pages', sound.replace('/Kids [3 0 R] /Count 1', '/Kids [] /Count 0')],
    ['encryption', sound.replace('/Root 1 0 R', '/Root 1 0 R /Encrypt << /Filter /Standard /V 4 /R 4 >>')],
  ])('with %s', async (_, pdf) => {
    await expect(render(pdf)).rejects.toThrow(PixelsRefused);
  });
});

describe('a hostile PDF is refused or shown in bounded time', () => {
  const deep = `${'q '.repeat(100_000)}0 0 10 10 re f ${'Q '.repeat(100_000)}`;
  const bomb = deflateSync(Buffer.alloc(longForm(500, 1) * 1024 * 1024, 'q Q '));
  // The bombs run until the time limit of the worker.
  const bombs = longForm(
    [
      ['a compressed bomb', page(bomb, '0 0 595 842', ' /Filter /FlateDecode')],
      ['bombs in bombs', page(deflateSync(bomb), '0 0 595 842', ' /Filter [/FlateDecode /FlateDecode]')],
    ],
    [],
  );
  it.each([
    ...bombs,
    ['a huge page', page('0 0 1 1 re f', '0 0 1e9 1e9')],
    ['a page without width', page('0 0 1 1 re f', '0 0 0 842')],
    ['a page with a negative size', page('0 0 1 1 re f', '0 0 -595 -842')],
    ['a narrow page', page('0 0 1 1 re f', '0 0 1 1e7')],
    ['a page tree that contains itself', sound.replace('/Kids [3 0 R]', '/Kids [2 0 R 3 0 R]')],
    ['a deep stack of graphics states', page(deep)],
    ['a deep array', page('['.repeat(100_000))],
    ['a huge image', page('q 595 0 0 842 0 0 cm BI /W 65535 /H 65535 /BPC 8 /CS /RGB ID x EI Q')],
    [
      'a fine pattern',
      page(Array.from({ length: 50_000 }, (_, at) => `${at % 595} 0 m 0 ${at % 842} l S`).join(' ')),
    ],
  ])('with %s', async (_, pdf) => {
    const outcome = await render(pdf).catch((error: unknown) => error);
    const isShown = typeof outcome === 'object' && outcome !== null && 'samples' in outcome;
    expect(isShown || outcome instanceof PixelsRefused).toBe(true);
    // The next document is rendered as before.
    expect((await render(sound)).width).toBe(90);
  });

  it('with mutated bytes', async () => {
    const dice = new Dice(17);
    let shown = 0;
    for (let count = 0; count < MUTATIONS; count += 1) {
      const bytes = Buffer.from(sound, 'latin1');
      for (let left = 1 + dice.below(8); left > 0; left -= 1)
        bytes[dice.below(bytes.length)] = dice.below(256);
      const mutated = dice.below(4) === 0 ? bytes.subarray(0, dice.below(bytes.length)) : bytes;
      const outcome = await render(mutated.toString('latin1')).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(PixelsRefused);
      else shown += 1;
    }
    expect(shown).toBeGreaterThan(0);
  });
});
