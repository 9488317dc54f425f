import { z } from 'zod';
import { provideCorpus, type CorpusFile } from '../support/corpus.ts';
import { sample } from '../support/long.form.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';
import { madeByDcmtk } from './corpus.dcmtk.ts';

/** A stored file and the path of its instance, relative to the root. */
export interface Stored extends CorpusFile {
  readonly path: string;
}

const Item = z.record(
  z.string(),
  z.object({ Value: z.array(z.union([z.string(), z.number()])).optional() }).loose(),
);
const Answer = z.object({
  '00081198': z.object({ Value: z.array(Item) }).optional(),
  '00081199': z.object({ Value: z.array(Item) }).optional(),
});
/**
 * Failure reasons of a file that contradicts a stored file: a different patient, study or series, or different content for the same SOP
 * Instance UID. The file must wait until the stored file is deleted.
 */
const WAITS = new Set([0x0110, 0x0111]);

/**
 * A world with the corpus files. Files that contradict each other are stored in separate rounds. The test calls `empty` between two rounds.
 */
export class CorpusWorld {
  readonly refused: string[] = [];
  /** All files that this run tries to store. In `npm test`, they are a sample of the corpus. */
  readonly names: readonly string[];
  private waiting: readonly CorpusFile[];

  private constructor(
    readonly world: World,
    readonly reader: Caller,
    private readonly sender: Caller,
    files: readonly CorpusFile[],
  ) {
    this.waiting = files;
    this.names = files.map(({ name }) => name);
  }

  static async start(): Promise<CorpusWorld> {
    const [fetched, made, world] = await Promise.all([
      provideCorpus((line) => process.stderr.write(`${line}\n`)),
      madeByDcmtk(),
      startWorld({ DELETE_MODE: 'remove' }),
    ]);
    const all = { kind: 'all' };
    const reader = await world.person({ rights: ['studies:read'], scope: all });
    const sender = await world.machine([{ rights: ['studies:store', 'studies:delete'], scope: all }]);
    return new CorpusWorld(world, reader, sender, sample([...fetched, ...made], 45));
  }

  /** Stores each waiting file that does not contradict a stored file. Returns an empty list when no file waits. */
  async round(): Promise<Stored[]> {
    const stored: Stored[] = [];
    const waiting: CorpusFile[] = [];
    for (const file of this.waiting) {
      const { body } = await this.world.store(this.sender, [file.bytes]);
      const answer = Answer.parse(body);
      const [kept] = answer['00081199']?.Value ?? [];
      const reason = Number(answer['00081198']?.Value[0]?.['00081197']?.Value?.[0]);
      if (kept !== undefined) stored.push({ ...file, path: pathOf(kept) });
      else if (WAITS.has(reason)) waiting.push(file);
      else this.refused.push(file.name);
    }
    this.waiting = waiting;
    return stored;
  }

  /** Deletes every study, so that waiting files can be stored. */
  async empty(stored: readonly Stored[]): Promise<void> {
    for (const study of new Set(stored.map(({ path }) => path.split('/series')[0] ?? '')))
      await this.world.http
        .delete(`/dicom-web${study}`)
        .set('authorization', this.sender.authorization)
        .expect(204);
  }

  /** Sends a GET under /dicom-web as an account that may read everything. */
  async ask(path: string, accept = '*/*'): Promise<{ status: number; type: string; body: Buffer }> {
    const headers = { authorization: this.reader.authorization, accept };
    return answerOf(await fetch(`${this.world.gateway.url}/dicom-web${path}`, { headers }));
  }

  /** The archive's answer to the same request. */
  async archive(path: string): Promise<{ status: number; type: string; body: Buffer }> {
    return answerOf(await this.world.archive(`/dicom-web${path}`));
  }
}

async function answerOf(answer: Response): Promise<{ status: number; type: string; body: Buffer }> {
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) };
}

function pathOf(kept: z.infer<typeof Item>): string {
  const url = String(kept['00081190']?.Value?.[0]);
  return url.slice(url.indexOf('/studies/'));
}
