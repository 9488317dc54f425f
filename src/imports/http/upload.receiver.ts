import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Injectable, PayloadTooLargeException } from '@nestjs/common';
import { FhirServer } from '../../fhir/fhir.server.js';
import { BadField, BadRequest, NoRoom, UnsupportedMedia } from '../../problems/errors.js';
import { type Staged, StagedFiles } from '../jobs/staged.files.js';

/** A file that is safe on disk under `id`, and what its sender called it. */
export interface Upload extends Staged {
  readonly id: string;
  readonly fileName: string;
}

const MOST_BYTES = 1024 ** 3;
const NAME = 200;

/** Reads the one file of a `multipart/form-data` body (RFC 7578) to disk as it comes; nothing is held in memory. */
@Injectable()
export class UploadReceiver {
  constructor(
    private readonly files: StagedFiles,
    private readonly fhir: FhirServer,
  ) {}

  /** `BadField('file')` unless there is just one part of that name, 413 above 1 GiB, `NotConfigured` without a FHIR server. What was not accepted is removed. */
  async receive(body: unknown, type: string): Promise<Upload> {
    if (!(body instanceof Readable) || !/^multipart\/form-data\s*;/i.test(type))
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'This route takes multipart/form-data with a part named file.',
      );
    this.fhir.mustBeConfigured();
    const id = randomUUID();
    try {
      return await this.read(id, body, type);
    } catch (error) {
      await this.files.remove(id);
      throw error;
    }
  }

  private async read(id: string, body: Readable, type: string): Promise<Upload> {
    const form = formOf(type);
    let fileName = '';
    let file: Readable | undefined;
    let staging: Promise<Staged> | undefined;
    let fault: Error | undefined;
    const failing = Promise.withResolvers<never>();
    form.on('file', (field, stream, name) => {
      if (field !== 'file' || staging !== undefined) {
        fault ??= new BadField('missing-file', field, 'Exactly one part named file is taken.');
        stream.resume();
        return;
      }
      fileName = (name ?? '').slice(0, NAME);
      stream.once('limit', () => {
        fault ??= new PayloadTooLargeException();
      });
      file = stream;
      staging = this.files.receive(id, stream);
      staging.catch(failing.reject);
    });
    form.on('partsLimit', () => {
      fault ??= new BadField('missing-file', 'file', 'Exactly one part named file is taken.');
    });
    try {
      await Promise.race([readInto(body, form), failing.promise]);
    } catch (error) {
      // The connection stays, so that the sender hears why; what still comes is let go.
      body.unpipe(form);
      body.resume();
      file?.destroy(new Error('The upload ended early.'));
      const reason: unknown = await staging?.then(
        () => undefined,
        (why: unknown) => why,
      );
      if (reason instanceof NoRoom) throw reason;
      // A body that was read to its end is destroyed too, and may still be no form.
      const left = body.destroyed && !body.readableEnded;
      throw (
        fault ??
        (left || isOfSystem(error)
          ? error
          : new BadRequest('malformed-multipart', 'The multipart body cannot be read.'))
      );
    }
    const staged = await staging;
    if (fault !== undefined) throw fault;
    if (staged === undefined) throw new BadField('missing-file', 'file', 'A part named file is needed.');
    return { ...staged, id, fileName };
  }
}

/** Resolves when the form has read the body to its end; rejects when either fails, or the sender left. */
function readInto(body: Readable, form: BusboyInstance): Promise<void> {
  return new Promise((resolve, reject) => {
    form.once('finish', resolve);
    form.once('error', reject);
    body.once('error', reject);
    body.once('close', () => {
      if (!body.readableEnded) reject(new BadRequest('incomplete-body', 'The sender left.'));
    });
    body.pipe(form);
  });
}

/** The disk, not the form. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'errno' in error;
}

function formOf(type: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: { fileSize: MOST_BYTES, files: 2, fields: 0, parts: 3, headerPairs: 20 },
    });
  } catch {
    throw new BadRequest('malformed-multipart', 'The multipart body names no boundary.');
  }
}
