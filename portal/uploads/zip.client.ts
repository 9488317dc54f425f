import type { UploadSource } from './upload.types.ts';
import type { ZipRequest, ZipResponse } from './zip.messages.ts';

/** An error of a ZIP archive or of a file in it. */
export class ZipUnreadable extends Error {}

type Unnumbered = ZipRequest extends infer Each
  ? Each extends ZipRequest
    ? Omit<Each, 'id'>
    : never
  : never;

/** Reads ZIP archives in a worker, which is started with the first archive. */
export class ZipClient {
  #worker: Worker | undefined;
  #requests = 0;
  #archives = 0;
  readonly #waiting = new Map<number, (value: ZipResponse['value']) => void>();

  /** Returns the files of an archive. Throws `ZipUnreadable` if it is damaged. */
  async sources(file: Blob, name: string): Promise<UploadSource[]> {
    const archive = this.#archives;
    this.#archives += 1;
    const listed = await this.#ask({ ask: 'list', archive, file });
    if (!Array.isArray(listed)) throw new ZipUnreadable();
    return listed.map((entry, at): UploadSource => ({
      name: `${name}/${entry.name}`,
      size: entry.size,
      fault: entry.isEncrypted ? 'encrypted' : undefined,
      beginning: async () => {
        const bytes = await this.#ask({ ask: 'beginning', archive, at });
        if (!(bytes instanceof Uint8Array)) throw new ZipUnreadable();
        return bytes;
      },
      blob: async () => {
        const blob = await this.#ask({ ask: 'read', archive, at });
        if (!(blob instanceof Blob)) throw new ZipUnreadable();
        return blob;
      },
    }));
  }

  #ask(request: Unnumbered): Promise<ZipResponse['value']> {
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#started().postMessage({ ...request, id }, []);
    });
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./zip.worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<ZipResponse>) => {
      this.#waiting.get(data.id)?.(data.value);
      this.#waiting.delete(data.id);
    });
    // The script of the worker could not be loaded.
    worker.addEventListener('error', () => {
      for (const resolve of this.#waiting.values()) resolve(undefined);
      this.#waiting.clear();
      this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }
}
