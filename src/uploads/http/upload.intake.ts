import { randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Inject, Injectable, PayloadTooLargeException } from '@nestjs/common';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import type { UploadedBody } from '../../dicomweb/stow/stow.body.js';
import { BadField, BadRequest, UnsupportedMedia } from '../../problems/errors.js';
import { KIND_BYTES } from '../storing/file.kinds.js';
import type { StagedOriginal } from '../storing/file.opener.js';
import { StagedUploads } from '../storing/staged.uploads.js';

/** A file that is on disk. `head`: its first bytes. `fields`: the other parts of a form. */
export interface ReceivedFile {
  readonly id: string;
  readonly head: Buffer;
  readonly original: StagedOriginal;
  readonly fields: Readonly<Record<string, string>>;
}

const FORM = /^multipart\/form-data\s*;/i;
const FORM_LIMITS = { files: 1, fields: 20, fieldSize: 1024, parts: 21, headerPairs: 20 };
const LONGEST_NAME = 200;

/** Streams the file of a request to an encrypted file on disk. */
@Injectable()
export class UploadIntake {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly files: StagedUploads,
  ) {}

  /**
   * Stores the file of a body: the bytes of the file themselves, with their name in `X-File-Name`, or `multipart/form-data` with a part
   * named file. Throws `UnsupportedMedia`, `BadField` and `BadRequest`, and PayloadTooLargeException (413) for a file above
   * MAX_INSTANCE_BYTES.
   */
  async receive(body: UploadedBody, name: string | undefined): Promise<ReceivedFile> {
    if (body.contentEncoding !== undefined)
      throw new UnsupportedMedia('unsupported-content-encoding', 'Send the body without a Content-Encoding.');
    const id = randomUUID();
    if (FORM.test(body.contentType)) return this.readForm(id, body);
    if (/^(application\/json|multipart\/)/i.test(body.contentType))
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'Send the file itself as application/octet-stream with X-File-Name, or multipart/form-data with a part named file.',
      );
    const file = await this.stage(id, Readable.from(body.bytes, { objectMode: false }), nameOf(name));
    return { id, ...file, fields: {} };
  }

  private async stage(id: string, content: Readable, fileName: string) {
    const head: Buffer[] = [];
    const limited = this.limited(content, head);
    const { bytes, sha256 } = await this.files.write(id, Readable.from(limited, { objectMode: false }));
    if (bytes === 0) {
      await this.files.remove(id);
      throw new BadField('missing-file', 'file', 'The file is empty. Send a file.');
    }
    return { head: Buffer.concat(head), original: { name: id, fileName, bytes, sha256 } };
  }

  /** Passes the bytes on, and copies the first ones to `head`. */
  private async *limited(content: Readable, head: Buffer[]): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of content) {
      if (!Buffer.isBuffer(chunk)) continue;
      if (size < KIND_BYTES) head.push(Buffer.from(chunk.subarray(0, KIND_BYTES - size)));
      size += chunk.length;
      if (size > this.env.MAX_INSTANCE_BYTES) throw new PayloadTooLargeException();
      yield chunk;
    }
  }

  private async readForm(id: string, { contentType, bytes }: UploadedBody): Promise<ReceivedFile> {
    const form = formOf(contentType);
    const fields: Record<string, string> = {};
    const found: { file?: ReturnType<UploadIntake['stage']>; fault?: Error } = {};
    form.on('field', (name, value, isNameCut, isValueCut) => {
      if (isNameCut || isValueCut) found.fault ??= malformed();
      else fields[name] = value;
    });
    form.on('file', (field, stream, name) => {
      if (field !== 'file' || found.file !== undefined) {
        found.fault ??= unexpected(field);
        stream.resume();
        return;
      }
      const passed = stream.pipe(new PassThrough());
      found.file = this.stage(id, passed, nameOf(name)).finally(() => {
        // The rest of the part is discarded, so that the form can end.
        stream.unpipe(passed);
        stream.resume();
      });
      found.file.catch(() => undefined);
    });
    for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const)
      form.on(limit, () => {
        found.fault ??= unexpected('file');
      });
    try {
      await pipeline(Readable.from(bytes, { objectMode: false }), form);
    } catch (error) {
      await this.files.remove(id);
      throw error instanceof BadRequest ? error : malformed();
    }
    const file = await found.file;
    if (file === undefined) throw found.fault ?? unexpected('file');
    if (found.fault !== undefined) {
      await this.files.remove(id);
      throw found.fault;
    }
    return { id, ...file, fields };
  }
}

/** The name of a file without folders and control characters. `X-File-Name` is percent-encoded UTF-8. */
export function nameOf(name: string | undefined): string {
  let text = name ?? '';
  try {
    text = decodeURIComponent(text);
  } catch {
    // The name contains a percent sign and is not encoded.
  }
  const last = text.split(/[/\\]/).at(-1) ?? '';
  return last.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, '').slice(0, LONGEST_NAME);
}

function formOf(type: string): BusboyInstance {
  try {
    return new Busboy({ headers: { 'content-type': type }, limits: FORM_LIMITS });
  } catch {
    throw new BadRequest(
      'malformed-multipart',
      'The Content-Type of the body has no boundary. Add the boundary parameter.',
    );
  }
}

function malformed(): BadRequest {
  return new BadRequest(
    'malformed-multipart',
    'The multipart body is malformed. Send it as RFC 7578 defines.',
  );
}

function unexpected(field: string): BadField {
  return new BadField(
    'missing-file',
    field,
    'The form has no file, or too many parts. Send exactly one file in a part named file.',
  );
}
