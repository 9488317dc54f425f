import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';

const OPERATIONS = longForm(10_000, 120);
/** After so many operations of the long form, the second gateway is killed and started again, with a disk that is full every other time. */
const KILL_EVERY = 500;
const WORKERS = 4;
const INSTANCES = 3;
const PIXELS = 64;

/** What a test needs of the file that registers these scenarios. */
interface Stage {
  readonly world: World;
  readonly storer: Caller;
  readonly cache: string;
}

interface Image {
  readonly series: string;
  readonly sop: string;
  /** The value of each pixel. `undefined` if the instance is not stored. */
  fill: number | undefined;
}

/** A generator of numbers below `limit` that gives the same numbers in each run. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** One study with its expected state. Each worker has a study of its own, so that its reads have one right answer. */
class Worker {
  private readonly study = freshUid();
  private readonly images: Image[] = Array.from({ length: INSTANCES }, () => ({
    series: freshUid(),
    sop: freshUid(),
    fill: undefined,
  }));
  private isAllowed = true;
  private readonly draw: (limit: number) => number;

  constructor(
    seed: number,
    private readonly stage: Stage,
    private readonly reader: Caller & { groupId: string },
    private readonly urls: () => readonly string[],
  ) {
    this.draw = numbers(seed);
  }

  async step(): Promise<void> {
    const image = this.images[this.draw(INSTANCES)];
    if (image === undefined) return;
    const kind = this.draw(20);
    if (kind < 3) await this.store(image);
    else if (kind < 4) await this.delete(image);
    else if (kind < 5) await this.changeRights();
    else if (kind < 7) await this.damage();
    else await this.read(image);
  }

  private path({ series, sop }: Image): string {
    return `/studies/${this.study}/series/${series}/instances/${sop}`;
  }

  private async store(image: Image): Promise<void> {
    const { world, storer } = this.stage;
    if (image.fill !== undefined) return;
    const fill = 1 + this.draw(250);
    const extra = [element('7FE00010', 'OB', Buffer.alloc(PIXELS * PIXELS * 2, fill))];
    const common = { studyUid: this.study, seriesUid: image.series, sopUid: image.sop, extra };
    await world.store(storer, [makeInstance({ ...common, rows: PIXELS, columns: PIXELS })]).expect(200);
    image.fill = fill;
  }

  private async delete(image: Image): Promise<void> {
    const { world, storer } = this.stage;
    if (image.fill === undefined) return;
    image.fill = undefined;
    await world.http
      .delete(`/dicom-web${this.path(image)}`)
      .set('authorization', storer.authorization)
      .expect(204);
  }

  /** Removes or restores the grant of the reader in the database, as another gateway would. */
  private async changeRights(): Promise<void> {
    const { sql } = this.stage.world;
    const until = this.isAllowed ? sql`now() - interval '1 day'` : sql`null`;
    await sql`update grants set until = ${until} where group_id = ${this.reader.groupId}`;
    this.isAllowed = !this.isAllowed;
    // A change is effective within five seconds. Notifications usually arrive within some milliseconds.
    await expect.poll(() => this.isSeen(), { timeout: 5_000, interval: 20 }).toBe(true);
  }

  private async isSeen(): Promise<boolean> {
    const image = this.images.find(({ fill }) => fill !== undefined);
    if (image === undefined) return true;
    for (const url of this.urls())
      if (((await this.ask(url, image, '/frames/1')).status === 200) !== this.isAllowed) return false;
    return true;
  }

  private async damage(): Promise<void> {
    const folder = join(this.stage.cache, this.study);
    const names = await readdir(folder).catch((): string[] => []);
    const path = join(folder, names[this.draw(names.length || 1)] ?? 'none');
    const kind = this.draw(3);
    if (names.length === 0) return;
    if (kind === 0) await rm(path, { force: true });
    else if (kind === 1) await truncate(path, this.draw(100)).catch(() => undefined);
    else
      await writeFile(path, Buffer.alloc(PIXELS * PIXELS * 2, 0xff), { flag: 'r+' }).catch(() => undefined);
  }

  private async ask(
    url: string,
    image: Image,
    end: string,
    accept = 'application/octet-stream; transfer-syntax=*',
  ) {
    const headers = { authorization: this.reader.authorization, accept };
    const answer = await fetch(`${url}/dicom-web${this.path(image)}${end}`, { headers });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  }

  private async read(image: Image): Promise<void> {
    const urls = this.urls();
    const url = urls[this.draw(urls.length)] ?? '';
    const isThere = this.isAllowed && image.fill !== undefined;
    const refusal = this.isAllowed ? 404 : 403;
    if (this.draw(3) === 0) {
      const { status, body } = await this.ask(url, image, '/metadata', 'application/dicom+json');
      expect(status).toBe(isThere ? 200 : refusal);
      if (isThere)
        expect(JSON.parse(body.toString())).toMatchObject([{ '00080018': { Value: [image.sop] } }]);
      return;
    }
    const { status, body } = await this.ask(url, image, this.draw(2) === 0 ? '/frames/1' : '/bulk/7FE00010');
    // Bulk data is application/octet-stream without a transfer syntax.
    if (status === 406) return;
    expect(status).toBe(isThere ? 200 : refusal);
    if (isThere) expect(body.equals(Buffer.alloc(PIXELS * PIXELS * 2, image.fill))).toBe(true);
  }
}

/** Random operations on a cache that two gateways share: no stale, foreign or damaged byte is ever sent. */
export function cacheOperationsScenarios(stage: () => Stage): void {
  describe('random operations', () => {
    it(
      'never lead to a stale, foreign or damaged byte',
      async () => {
        const { world } = stage();
        let second = await world.secondGateway();
        try {
          const urls = () => [world.gateway.url, second.url];
          const workers: Worker[] = [];
          for (let at = 0; at < WORKERS; at += 1) {
            const reader = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
            workers.push(new Worker(at + Number(process.env['RADGATE_SEED'] ?? 7), stage(), reader, urls));
          }
          for (let done = 0; done < OPERATIONS; done += KILL_EVERY) {
            const each = Math.min(KILL_EVERY, OPERATIONS - done) / WORKERS;
            await Promise.all(
              workers.map(async (worker) => {
                for (let step = 0; step < each; step += 1) await worker.step();
              }),
            );
            if (done + KILL_EVERY >= OPERATIONS) continue;
            await second.leave();
            second = await world.secondGateway(
              done % (2 * KILL_EVERY) === 0 ? ['prlimit', '--fsize=4096'] : [],
            );
          }
        } finally {
          await second.leave();
        }
      },
      longForm(3_600_000, 60_000),
    );
  });
}
