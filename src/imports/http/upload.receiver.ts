import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Injectable, PayloadTooLargeException } from '@nestjs/common';
import { FhirServer } from '../../fhir/fhir.server.js';
import { BadField, BadRequest, NoRoom, UnsupportedMedia } from '../../problems/errors.js';
import { type Staged, StagedFiles } from '../jobs/staged.files.js';

/** An uploaded file that was stored under `id`. `fileName` is the name that the client sent. */
export interface Upload extends Staged {
  readonly id: string;
  readonly fileName: string;
}

const MOST_BYTES = 1024 ** 3;
const LONGEST_NAME = 200;

/** Streams the file of a `multipart/form-data` body (RFC 7578) to disk. */
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
    if (!(body instanceof Readable) || !/^multipart\/form-data\s*;/i.test(type))
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'Unsupported content type. Send multipart/form-data with a part named file.',
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
      if (!body.readableEnded)
        reject(new BadRequest('incomplete-body', 'The client disconnected before the end of the body.'));
    });
    body.pipe(form);
  });
}

/** Whether an error comes from the file system and not from the form parser. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'errno' in error;
}

function formOf(type: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: { fileSize: MOST_BYTES, files: 2, fields: 0, parts: 3, headerPairs: 20 },
    });
  } catch {
    throw new BadRequest(
      'malformed-multipart',
      'The Content-Type of the body has no boundary. Add the boundary parameter.',
    );
  }
}
