import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { newPdf } from '../../dicom/making/new.document.js';
import type { NewFile } from '../../dicom/making/new.file.js';
import { newImage } from '../../dicom/making/new.image.js';
import type { NewSubject } from '../../dicom/making/new.subject.js';
import { Slots } from '../../limits/slots.js';
import { PageWorkers } from '../../pixels/pages/page.workers.js';
import { PictureWorkers } from '../../pixels/pictures/picture.workers.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { BadField } from '../../problems/errors.js';
import type { FileKind } from './file.kinds.js';
import { StagedUploads } from './staged.uploads.js';

/** A staged file. `bytes`: its size. */
export interface StagedOriginal {
  readonly name: string;
  readonly fileName: string;
  readonly bytes: number;
  readonly sha256: Buffer;
}

/** A DICOM file that was made from an uploaded file. `notes`: what was done, in words. */
export interface MadeFile {
  readonly file: NewFile;
  readonly notes: readonly string[];
}

/** Largest pictures, and largest documents whose first page is rendered, in bytes. One of them is in memory at a time. */
const LARGEST_OPENED = 64 * 1024 * 1024;
/** A page of this size is rendered to find out whether a document can be opened. */
const SMALL_PAGE = { width: 64, height: 64 };
const QUEUE = 64;
/** A PDF ends with this marker and at most this many other bytes (PDF 32000-1 annex H). */
const [PDF_END, PDF_TAIL] = ['%%EOF', 1024];

/** Makes DICOM files from pictures and documents. The files are opened in worker threads with limits of time and memory. */
@Injectable()
export class FileOpener implements OnApplicationShutdown {
  private readonly pictures = new PictureWorkers();
  private readonly pages = new PageWorkers();
  private readonly slots = new Slots({ places: 1, queue: QUEUE });

  constructor(private readonly files: StagedUploads) {}

  /** The modality of a file of this kind, unless the uploader names another. */
  modalityOf(kind: FileKind): string {
    return kind === 'pdf' ? 'DOC' : 'XC';
  }

  /** Makes a DICOM file. Throws `BadField` when the file cannot be opened, and `TooMany` when too many files wait. */
  async make(
    kind: Exclude<FileKind, 'dicom'>,
    original: StagedOriginal,
    subject: NewSubject,
    account: string,
  ): Promise<MadeFile> {
    const make = () => (kind === 'pdf' ? this.pdf(original, subject) : this.picture(kind, original, subject));
    try {
      return await this.slots.run(make, undefined, account);
    } catch (error) {
      if (!(error instanceof PixelsRefused)) throw error;
      throw new BadField('unreadable-file', 'file', `The file cannot be opened: ${error.message}.`);
    }
  }

  onApplicationShutdown(): Promise<unknown> {
    return Promise.all([this.pictures.close(), this.pages.close()]);
  }

  private async picture(
    kind: 'jpeg' | 'png',
    original: StagedOriginal,
    subject: NewSubject,
  ): Promise<MadeFile> {
    const picture = await this.pictures.open({ kind, file: await this.whole(original) });
    return { file: newImage(subject, picture), notes: picture.notes };
  }

  private async pdf(original: StagedOriginal, subject: NewSubject): Promise<MadeFile> {
    const notes: string[] = [];
    if (original.bytes <= LARGEST_OPENED) {
      const document = await this.whole(original);
      const tail = Buffer.from(document.subarray(-PDF_TAIL));
      if (!tail.includes(PDF_END)) throw new PixelsRefused('the document ends early');
      await this.pages.render(original.sha256.toString('hex'), document, SMALL_PAGE);
    } else notes.push('The document is too large to check its pages.');
    const document = {
      title: original.fileName,
      length: original.bytes,
      content: this.files.open(original.name),
    };
    return { file: newPdf(subject, document), notes };
  }

  /** All bytes of a file, in a buffer that can move to a worker. */
  private async whole({ name, bytes }: StagedOriginal): Promise<Uint8Array<ArrayBuffer>> {
    if (bytes > LARGEST_OPENED) throw new PixelsRefused('it is larger than 64 MiB');
    const whole = new Uint8Array(bytes);
    let at = 0;
    for await (const chunk of this.files.open(name)) {
      if (!Buffer.isBuffer(chunk)) continue;
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}
