import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_ATTRIBUTES } from '../../src/catalog/search.attributes.js';
import { compressedType } from '../../src/dicom/transfer.syntaxes.js';
import { shownBy } from './conformance.lines.ts';
import { routesOf } from './dicomweb.routes.ts';

const PAGE = join(import.meta.dirname, '../../docs/conformance.md');
/** Items that the tests below compare as lists. */
const LISTED = /^(Study|Series|Instance) keys/;

let page: string;
beforeAll(async () => {
  page = await readFile(PAGE, 'utf8');
});

/** The paragraph or list item with this beginning, as one line. */
function lineOf(beginning: string): string {
  const [, rest = ''] = page.split(beginning, 2);
  return rest.split(/\n(?=- |\n|\|)/)[0]?.replace(/\s+/g, ' ') ?? '';
}

describe('the conformance statement', () => {
  it('lists every route of the service and no other', () => {
    const rows = [...page.matchAll(/^\| `(\/\S*)` +\| ([A-Z, ]+?) +\|$/gm)];
    const listed = rows.flatMap(([, path = '', methods = '']) =>
      methods.split(', ').map((method) => `${method} /dicom-web${path === '/' ? '' : path}`),
    );
    expect(listed.toSorted()).toEqual(routesOf('dicom-web'));
    expect(routesOf('wado')).toEqual(['GET /wado']);
    expect(page).toContain('`GET /wado`');
  });

  it.each([
    ['study', 'Study keys:'],
    ['series', 'Series keys, in addition:'],
    ['instance', 'Instance keys, in addition:'],
  ] as const)('lists every key of a %s and no other', (level, beginning) => {
    const listed = lineOf(beginning).trim().replace(/\.$/, '').split(', ');
    const known = CATALOG_ATTRIBUTES.filter((attribute) => attribute.level === level);
    expect(listed.toSorted()).toEqual(known.map(({ keyword }) => keyword).toSorted());
  });

  it('lists every media type of stored frames', () => {
    const listed = [...lineOf('Media types of stored frames:').matchAll(/`([a-z]+\/[a-z0-9-]+)`/g)];
    const numbers = [50, 51, 57, 70, 80, 81, 90, 91, 92, 93, 110, 111, 112, 201, 202, 203, ...video()];
    const types = numbers.map((number) => compressedType(`1.2.840.10008.1.2.4.${number}`));
    const known = new Set([...types, compressedType('1.2.840.10008.1.2.5'), 'application/octet-stream']);
    expect(new Set(listed.map(([, type]) => type))).toEqual(known);
  });

  it('has an existing test for each other item', async () => {
    const items = [...page.matchAll(/^- (.*)$/gm)]
      .map(([, line = '']) => line)
      .filter((line) => !LISTED.test(line));
    const without = items.filter((line) => !shownBy.some(([beginning]) => line.startsWith(beginning)));
    expect(without).toEqual([]);
    expect(shownBy.filter(([beginning]) => !items.some((line) => line.startsWith(beginning)))).toEqual([]);
    for (const [line, file, title] of shownBy) {
      const read = (kind: string) => readFile(join(import.meta.dirname, `${file}.${kind}.ts`), 'utf8');
      const text = await read('scenarios').catch(() => read('test'));
      expect([line, file, text.includes(title)]).toEqual([line, file, true]);
    }
  });
});

/** The last components of the transfer syntax UIDs of MPEG-2, MPEG-4 and HEVC. */
function video(): number[] {
  return Array.from({ length: 9 }, (_, at) => 100 + at);
}
