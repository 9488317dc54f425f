import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { seedDemo, type DemoPerson, type SeedOptions } from '../demo/seed.ts';

const People = z.array(z.object({ username: z.string(), password: z.string(), group: z.string() }));

/** Loads the demo at the first start. Later starts read the people of the demo from `demo.json`. */
export async function loadDemo(data: string, options: SeedOptions): Promise<DemoPerson[]> {
  const file = join(data, 'demo.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return People.parse(JSON.parse(text));
  const people = await seedDemo(options);
  await writeFile(file, JSON.stringify(people, undefined, 2), { mode: 0o600 });
  return people;
}
