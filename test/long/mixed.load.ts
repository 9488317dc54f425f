import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { told } from '../dicomweb/stow.answers.ts';
import { multipartOf } from '../support/stow.body.ts';

/** An instance that was sent, with its path and the SHA-256 of its file. */
export interface SentInstance {
  studyUid: string;
  path: string;
  sha256: string;
}

type Kind = 'store' | 'search' | 'retrieve';

/** A load that stores, searches and retrieves through nginx until it is stopped. It records the acknowledged instances. */
export class MixedLoad {
  readonly acknowledged = new Map<string, SentInstance>();
  /** Instances that were sent but not acknowledged yet. */
  readonly open = new Map<string, SentInstance>();
  readonly done = { store: 0, search: 0, retrieve: 0 };
  readonly failed = { store: 0, search: 0, retrieve: 0 };
  /** Wrong responses that are not caused by a killed service. */
  readonly wrong: string[] = [];
  /** The text of the last failure, by kind of request. */
  readonly why = { store: '', search: '', retrieve: '' };
  /** For each kind of request, the start time of the last request that succeeded. */
  private began = { store: 0, search: 0, retrieve: 0 };
  private running = true;
  private readonly workers: Promise<void>[];
  private readonly agent: Agent;
  private readonly web: string;
  private readonly authorization: string;

  private constructor(web: string, authorization: string, agent: Agent) {
    this.web = web;
    this.authorization = authorization;
    this.agent = agent;
    const sizes = [16_000, 400_000, 3_000_000, 20_000_000];
    this.workers = [
      ...sizes.map((bytes) => this.repeat('store', () => this.store(bytes))),
      this.repeat('search', () => this.search()),
      this.repeat('retrieve', () => this.retrieve()),
      this.repeat('retrieve', () => this.retrieve()),
    ];
  }

  /**
   * Signs in and starts the load. With `certificate` (PEM), only a server with this certificate is accepted. A proxy of the machine, which may
   * answer while a container has no network, is then a failed connection and not a wrong response.
   */
  static async start(
    web: string,
    admin: { username: string; password: string },
    certificate?: string,
  ): Promise<MixedLoad> {
    const connect = certificate === undefined ? { rejectUnauthorized: false } : { ca: certificate };
    const agent = new Agent({ connections: 32, allowH2: false, connect });
    const answer = await request(`${web}/api/auth/login`, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(admin),
    });
    const { access_token: token } = z.object({ access_token: z.string() }).parse(await answer.body.json());
    return new MixedLoad(web, `Bearer ${token}`, agent);
  }

  /** Waits until one request of each kind has started after this call and has succeeded. Returns the duration in seconds. */
  async recovered(limitSeconds: number): Promise<number> {
    const from = performance.now();
    while (Math.min(...Object.values(this.began)) < from) {
      if (performance.now() - from > limitSeconds * 1000)
        throw new Error(`not back within ${limitSeconds} s: ${JSON.stringify([this.failed, this.why])}`);
      await sleep(50);
    }
    return (performance.now() - from) / 1000;
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  async close(): Promise<void> {
    this.running = false;
    await this.agent.destroy();
  }

  /** The gateway's answer for one instance: the status, and the SHA-256 of the file. */
  async fetchDigest({ path }: SentInstance): Promise<{ status: number; sha256: string }> {
    const answer = await this.ask(path, { accept: 'application/dicom; transfer-syntax=*' });
    const hash = createHash('sha256');
    for await (const chunk of answer.body) hash.update(z.instanceof(Buffer).parse(chunk));
    return { status: answer.statusCode, sha256: hash.digest('hex') };
  }

  private async repeat(kind: Kind, work: () => Promise<boolean>): Promise<void> {
    while (this.running) {
      const from = performance.now();
      const succeeded = await work().catch((error: unknown) => {
        this.why[kind] = String(error);
        return false;
      });
      if (succeeded) {
        this.done[kind] += 1;
        this.began[kind] = Math.max(this.began[kind], from);
      } else {
        this.failed[kind] += 1;
        await sleep(100);
      }
      await sleep(10);
    }
  }

  /**
   * Stores two or three new instances of one study, and repeats the request until all are acknowledged. Returns whether the first attempt
   * succeeded.
   */
  private async store(bytes: number): Promise<boolean> {
    const [studyUid, seriesUid] = [freshUid(), freshUid()];
    const files = Array.from({ length: bytes > 1_000_000 ? 2 : 3 }, () => {
      const sopUid = freshUid();
      const pixels = randomBytes(bytes);
      const file = makeInstance({ studyUid, seriesUid, sopUid, extra: [element('7FE00010', 'OW', pixels)] });
      const path = `/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`;
      this.open.set(sopUid, { studyUid, path, sha256: createHash('sha256').update(file).digest('hex') });
      return file;
    });
    for (let attempt = 1; this.running; attempt += 1) {
      if (attempt > 1) await sleep(200);
      const stored = await this.storeOnce(files).catch((error: unknown) => {
        this.why.store = String(error);
        return false;
      });
      if (stored) return attempt === 1;
      this.failed.store += attempt === 1 ? 0 : 1;
    }
    return false;
  }

  private async storeOnce(files: readonly Buffer[]): Promise<boolean> {
    const { type, body } = multipartOf(files);
    const answer = await request(`${this.web}/dicom-web/studies`, {
      dispatcher: this.agent,
      method: 'POST',
      headers: { authorization: this.authorization, 'content-type': type },
      body,
    });
    const text = await answer.body.text();
    if (![200, 202].includes(answer.statusCode)) {
      this.why.store = text;
      if (answer.statusCode < 500) this.wrong.push(`STOW answered ${answer.statusCode} ${text}`);
      return false;
    }
    for (const uid of told({ text }).stored) {
      const sent = this.open.get(uid);
      if (sent === undefined) continue;
      this.acknowledged.set(uid, sent);
      this.open.delete(uid);
    }
    return answer.statusCode === 200;
  }

  private async search(): Promise<boolean> {
    const answer = await this.ask('/studies?limit=20&includefield=all', {});
    const text = await answer.body.text();
    if (answer.statusCode !== 200) this.why.search = text;
    if (answer.statusCode !== 200 && answer.statusCode < 500)
      this.wrong.push(`QIDO answered ${answer.statusCode}`);
    return answer.statusCode === 200 && Array.isArray(JSON.parse(text));
  }

  private async retrieve(): Promise<boolean> {
    const all = [...this.acknowledged.values()];
    const sent = all[Math.floor(Math.random() * all.length)];
    if (sent === undefined) return false;
    const { status, sha256 } = await this.fetchDigest(sent);
    if (status === 200 && sha256 !== sent.sha256) this.wrong.push(`other bytes came for ${sent.path}`);
    if (status !== 200 && status < 500) this.wrong.push(`${sent.path} answered ${status}`);
    return status === 200;
  }

  private ask(path: string, headers: Record<string, string>) {
    return request(`${this.web}/dicom-web${path}`, {
      dispatcher: this.agent,
      headers: { authorization: this.authorization, ...headers },
    });
  }
}
