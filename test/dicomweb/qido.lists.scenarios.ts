import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_ATTRIBUTES } from '../../src/catalog/search.attributes.js';
import { sample } from '../support/long.form.ts';
import type { Person, World } from '../support/world.ts';
import { mullerSeries, namesOf, type Searching, uids, valuesOf } from './qido.world.ts';

let world: World;
let reader: Person;

const many = (count: number, value: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => value(at));
const LISTS = [
  ...CATALOG_ATTRIBUTES.filter(({ matching }) => matching === 'uid').map(
    ({ keyword }) => [keyword, 500, (at: number) => `1.${at}`] as const,
  ),
  ['ModalitiesInStudy', 100, (at: number) => `M${at}`] as const,
  ['includefield', 200, (at: number) => `0009${(at + 4096).toString(16)}`] as const,
];

const repeats = (count: number) =>
  many(count, (at) => `includefield=0009${(at + 4096).toString(16)}`).join('&');

/** Registers the tests of this file with the given gateway. */
export function registerQidoLists(given: () => Searching): void {
  describe('qido lists', () => {
    beforeAll(async () => {
      ({ world, reader } = given());
    });

    describe('a list', () => {
      it.each(LISTS)(
        'of %s takes %i values, and one more is 400 with the number',
        async (key, most, value) => {
          for (const separator of key === 'includefield' ? [','] : [',', '\\']) {
            const ask = (count: number) =>
              world.get(
                reader,
                `/instances?limit=1&${key}=${encodeURIComponent(many(count, value).join(separator))}`,
              );
            await ask(most).expect(200);
            expect((await ask(most + 1).expect(400)).text).toContain(String(most));
          }
        },
      );

      it('of includefield is counted over all its repeats', async () => {
        await world.get(reader, `/studies?limit=1&${repeats(200)}`).expect(200);
        await world.get(reader, `/studies?limit=1&${repeats(201)}`).expect(400);
      });

      it.each(
        sample(
          [
            ['MR', ['muller']],
            ['MR,XX', ['muller']],
            ['XX\\MR', ['muller']],
            [' MR , XX', ['muller']],
            ['M?', ['muller']],
            ['XX,M*', ['muller']],
            ['XX,Y*', []],
            ['MR,*', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['%', []],
            ['XX,_R', []],
            ['mr', []],
          ] as const,
          6,
        ),
      )('of modalities finds the studies that have one of them: %s', async (list, expected) => {
        const { text } = await world
          .get(reader, `/studies?ModalitiesInStudy=${encodeURIComponent(list)}`)
          .expect(200);
        expect(namesOf(text)).toEqual(expected);
      });

      it('of UIDs finds each', async () => {
        const list = encodeURIComponent(`${mullerSeries.mr},1.2.3`);
        const { text } = await world.get(reader, `/series?SeriesInstanceUID=${list}`).expect(200);
        expect(valuesOf(text, '0020000D')).toEqual([uids.muller]);
      });
    });

    it.each(
      CATALOG_ATTRIBUTES.filter(({ matching }) =>
        ['text', 'folded', 'name', 'item', 'set'].includes(matching),
      ),
    )('a value of $keyword has 256 characters at most, and one more is 400', async ({ keyword }) => {
      await world.get(reader, `/instances?limit=1&${keyword}=${'x'.repeat(256)}`).expect(200);
      expect(
        (await world.get(reader, `/instances?limit=1&${keyword}=${'x'.repeat(257)}`).expect(400)).text,
      ).toContain('256');
    });
  });
}
