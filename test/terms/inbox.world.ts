import { z } from 'zod';
import { CIRCULATING, encodeList } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import type { Clerk } from '../imports/import.world.ts';

const Inbox = z.object({
  total: z.number(),
  items: z.array(z.looseObject({ id: z.string(), word: z.string(), rows_waiting: z.number() })),
});

/** A page of the inbox. */
export async function inboxOf(clerk: Clerk, query: string) {
  return Inbox.parse((await clerk.get(`/api/terms?${query}`).expect(200)).body);
}

/** The id of the only word with this text. */
export async function termOf(clerk: Clerk, word: string): Promise<string> {
  const { items } = await inboxOf(clerk, `q=${encodeURIComponent(word)}`);
  const [found, ...others] = items;
  if (found === undefined || others.length > 0) throw new Error(`${items.length} words hold ${word}`);
  return found.id;
}

/** A list with one woman for each note. Their CPF numbers start at `from`. */
export function listOfWords(from: number, ...notes: readonly string[]): Buffer {
  const rows = notes.map((note, at) => {
    const number = String(from + at).padStart(5, '0');
    const cpf = `222.3${number.slice(0, 2)}.${number.slice(2)}-10`;
    return ['Ana Souza', cpf, 'Feminino', '05/06/1970', '', 'Brasil', note];
  });
  return encodeList([[...COLUMNS], ...rows], { ...CIRCULATING, encoding: 'utf-8' });
}

export const SNOMED = 'http://snomed.info/sct';
export const GASTRITIS = { kind: 'condition', coding: { system: SNOMED, code: '4556007' } };
