import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Injectable, PayloadTooLargeException } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { BadField, BadRequest, UnsupportedMedia } from '../problems/errors.js';
import { type Staged, StagedFiles } from './staged.files.js';

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
  constructor(private readonly files: StagedFiles) {}

  /** `BadField('file')` unless there is just one part of that name, 413 above 1 GiB. What was not accepted is removed. */
  async receive(request: FastifyRequest): Promise<Upload> {
    const { body } = request;
    const type = request.headers['content-type'] ?? '';
    if (!(body instanceof Readable) || !/^multipart\/form-data\s*;/i.test(type))
      throw new UnsupportedMedia('This route takes multipart/form-data with a part named file.');
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
    let staging: Promise<Staged> | undefined;
    let fault: Error | undefined;
    form.on('file', (field, stream, name) => {
      if (field !== 'file' || staging !== undefined) {
        fault ??= new BadField(field, 'Exactly one part named file is taken.');
        stream.resume();
        return;
      }
      fileName = (name ?? '').slice(0, NAME);
      stream.once('limit', () => {
        fault ??= new PayloadTooLargeException();
      });
      staging = this.files.receive(id, stream);
      // Its failure is told below, when the whole body has been read.
      staging.catch((error: unknown) => body.destroy(error instanceof Error ? error : undefined));
    });
    form.on('partsLimit', () => {
      fault ??= new BadField('file', 'Exactly one part named file is taken.');
    });
    try {
      await pipeline(body, form);
    } catch (error) {
      await staging?.catch(() => undefined);
      throw fault ?? (body.readableAborted ? error : new BadRequest('The multipart body cannot be read.'));
    }
    const staged = await staging;
    if (fault !== undefined) throw fault;
    if (staged === undefined) throw new BadField('file', 'A part named file is needed.');
    return { ...staged, id, fileName };
  }
}

function formOf(type: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: { fileSize: MOST_BYTES, files: 2, fields: 0, parts: 3, headerPairs: 20 },
    });
  } catch {
    throw new BadRequest('The multipart body names no boundary.');
  }
}
