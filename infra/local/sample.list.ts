import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { patientFile } from '../demo/patients.file.ts';
import { RecordsClient } from '../demo/records.client.ts';
import { saying } from './steps.ts';

/**
 * Imports the sample list after HAPI has started, and prints the result in one line. `sample-list.json` records that the list was imported.
 * Later starts therefore do not import it again, even after an undo. Errors are printed and do not stop the stack.
 */
export async function loadSampleList(options: {
  data: string;
  gateway: string;
  admin: { username: string; password: string };
  log: (line: string) => void;
}): Promise<void> {
  const { data, gateway, admin, log } = options;
  const mark = join(data, 'sample-list.json');
  if ((await readFile(mark, 'utf8').catch(() => undefined)) !== undefined) return;
  try {
    const records = new RecordsClient(gateway, admin);
    const { id } = await records.upload(Uint8Array.from(patientFile()), {});
    await writeFile(mark, JSON.stringify({ file_id: id }));
    const end = await records.follow(id, () => undefined);
    log(
      `sample list: ${end.created} patients of ${end.rows_total} rows in HAPI (import ${id}, ${end.status})`,
    );
  } catch (error) {
    log(`the sample list was not loaded: ${saying(error)}`);
  }
}
