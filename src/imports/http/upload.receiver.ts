import { randomUUID } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Injectable, PayloadTooLargeException } from '@nestjs/common';
import { FhirServer } from '../../fhir/fhir.server.js';
import { BadField, BadRequest, NoRoom, UnsupportedMedia } from '../../problems/errors.js';
import { type SealedContent } from '../../secrets/sealed.files.js';
import { StagedFiles } from '../jobs/staged.files.js';

/** An uploaded file that was stored under `id`. `fileName` is the name that the client sent. */
export interface Upload extends SealedContent {
  readonly id: string;
  readonly fileName: string;
}

const MOST_BYTES = 1024 ** 3;
/** The maximum size of a list that is only read to draft a mapping. The beginning of a large list is sufficient. */
const MOST_SAMPLE_BYTES = 32 * 1024 ** 2;
const MULTIPART = /^multipart\/form-data\s*;/i;
const LONGEST_NAME = 200;

/** Streams an uploaded file to disk, mostly the file of a `multipart/form-data` body (RFC 7578). */
@Injectable()
export class UploadReceiver {
  constructor(
    private readonly files: StagedFiles,
    private readonly fhir: FhirServer,
  ) {}

  /**
   * Stores the file. Throws BadField when the body does not have exactly one part, named `file`. Throws PayloadTooLargeException (413) for
   * a file above 1 GiB, and NotConfigured when no FHIR server is configured. A rejected file is deleted.
   */
  async receive(body: unknown, type: string): Promise<Upload> {
    if (!(body instanceof Readable) || !MULTIPART.test(type))
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'Unsupported content type. Send multipart/form-data with a part named file.',
      );
    this.fhir.mustBeConfigured();
    return this.withId((id) => this.read(id, body, type, MOST_BYTES));
  }

  /**
   * Stores a list that is only read to draft a mapping: a `multipart/form-data` body, or the bytes of the file themselves. The caller deletes
   * the file. Throws PayloadTooLargeException (413) for a file above 32 MiB.
   */
  async receiveSample(body: unknown, type: string): Promise<Upload> {
    if (!(body instanceof Readable))
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'Unsupported content type. Send the file as text/csv or application/octet-stream, or as multipart/form-data.',
      );
    return this.withId((id) =>
      MULTIPART.test(type) ? this.read(id, body, type, MOST_SAMPLE_BYTES) : this.readRaw(id, body),
    );
  }

  /** Runs `receive` with a new id. If it fails, the file is deleted. */
  private async withId(receive: (id: string) => Promise<Upload>): Promise<Upload> {
    const id = randomUUID();
    try {
      return await receive(id);
    } catch (error) {
      await this.files.remove(id);
      throw error;
    }
  }

  private async readRaw(id: string, body: Readable): Promise<Upload> {
    let bytes = 0;
    const capped = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        // The rest of a large body is read and discarded, because a client receives no response while it sends.
        if (bytes > MOST_SAMPLE_BYTES) done();
        else done(null, chunk);
      },
    });
    body.once('close', () => {
      if (!body.readableEnded) capped.destroy(disconnected());
    });
    try {
      const staging = this.files.receive(id, capped);
      body.pipe(capped);
      const staged = await staging;
      if (bytes > MOST_SAMPLE_BYTES) throw new PayloadTooLargeException();
      return { ...staged, id, fileName: '' };
    } catch (error) {
      // Keep the connection open for the error response, and discard the rest of the body.
      body.unpipe(capped);
      body.resume();
      throw error;
    }
  }

  private async read(id: string, body: Readable, type: string, most: number): Promise<Upload> {
    const form = formOf(type, most);
    let fileName = '';
    let file: Readable | undefined;
    let staging: Promise<SealedContent> | undefined;
    let fault: Error | undefined;
    const failing = Promise.withResolvers<never>();
    form.on('file', (field, stream, name) => {
      if (field !== 'file' || staging !== undefined) {
        fault ??= new BadField(
          'missing-file',
          field,
          'The form has an unexpected part. Send exactly one part, named file.',
        );
        stream.resume();
        return;
      }
      fileName = (name ?? '').slice(0, LONGEST_NAME);
      stream.once('limit', () => {
        fault ??= new PayloadTooLargeException();
      });
      file = stream;
      staging = this.files.receive(id, stream);
      staging.catch(failing.reject);
    });
    form.on('partsLimit', () => {
      fault ??= new BadField(
        'missing-file',
        'file',
        'The form has an unexpected part. Send exactly one part, named file.',
      );
    });
    try {
      await Promise.race([readInto(body, form), failing.promise]);
    } catch (error) {
      // Keep the connection open for the error response, and discard the rest of the body.
      body.unpipe(form);
      body.resume();
      file?.destroy(new Error('The upload ended early.'));
      const reason: unknown = await staging?.then(
        () => undefined,
        (why: unknown) => why,
      );
      if (reason instanceof NoRoom) throw reason;
      // `destroyed` is also true for a body that was read completely. In that case, the client did not disconnect.
      const isDisconnected = body.destroyed && !body.readableEnded;
      throw (
        fault ??
        (isDisconnected || isSystemError(error)
          ? error
          : new BadRequest(
              'malformed-multipart',
              'The multipart body is malformed. Send it as RFC 7578 defines.',
            ))
      );
    }
    const staged = await staging;
    if (fault !== undefined) throw fault;
    if (staged === undefined)
      throw new BadField(
        'missing-file',
        'file',
        'The part named file is missing. Send exactly one part, named file.',
      );
    return { ...staged, id, fileName };
  }
}

/** Resolves when the form has read the whole body. Rejects when the form or the body fails, or the client disconnects. */
function readInto(body: Readable, form: BusboyInstance): Promise<void> {
  return new Promise((resolve, reject) => {
    form.once('finish', resolve);
    form.once('error', reject);
    body.once('error', reject);
    body.once('close', () => {
      if (!body.readableEnded) reject(disconnected());
    });
    body.pipe(form);
  });
}

const disconnected = () =>
  new BadRequest('incomplete-body', 'The client disconnected before the end of the body.');

/** Whether an error comes from the file system and not from the form parser. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'errno' in error;
}

function formOf(type: string, most: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: { fileSize: most, files: 2, fields: 0, parts: 3, headerPairs: 20 },
    });
  } catch {
    throw new BadRequest(
      'malformed-multipart',
      'The Content-Type of the body has no boundary. Add the boundary parameter.',
    );
  }
}
