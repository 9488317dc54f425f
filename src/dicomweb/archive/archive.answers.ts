import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance, ResourceUids } from '../../catalog/lookup.service.js';
import { implicitRepresentations } from '../../dicom/implicit.representations.js';
import { MediaDirectory } from '../../dicom/media/media.directory.js';
import { readInPassing } from '../../dicom/media/read.in.passing.js';
import { type ArchiveBytes, isReadAtOnce } from '../../orthanc/orthanc.connection.js';
import type { DicomwebAnswer } from '../http/dicomweb.answer.js';
import { VARY } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { metered } from '../http/metering.js';
import { InstanceFiles } from '../wado/instance.files.js';
import { ReadAccess, type RecordedRead } from '../wado/read.access.js';
import { writeZip, type ZipFile } from './zip.writer.js';

/** What an archive contains. */
export type DownloadLevel = 'study' | 'series' | 'instance';

/**
 * Sends instances as a ZIP archive of DICOM files with a DICOMDIR (PS3.10). The files are as they are stored, so that they can be stored
 * again as the same instances.
 */
@Injectable()
export class ArchiveAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly files: InstanceFiles,
  ) {}

  /** Answers with the archive. Throws `NotVisible`. */
  async get(request: DicomwebRequest, target: ResourceUids, level: DownloadLevel): Promise<DicomwebAnswer> {
    const read = await this.access.record(request, await this.access.find(request, target), 'archive');
    const body = await writeZip(await this.filesOf(read), request.signal);
    return { status: 200, headers: headersOf(target, level), body };
  }

  /** Answers with the headers of the archive only. Throws `NotVisible`. */
  async head(request: DicomwebRequest, target: ResourceUids, level: DownloadLevel): Promise<DicomwebAnswer> {
    const { studyUid, patientIssuer, patientId } = await this.access.find(request, target);
    request.note({ studyUid, patientIssuer, patientId });
    return { status: 200, headers: headersOf(target, level), body: undefined };
  }

  /** The files of the archive. The DICOMDIR is the last one, because its values come from the other files. */
  private async filesOf(read: RecordedRead): Promise<readonly [ZipFile, ...ZipFile[]]> {
    const directory = new MediaDirectory(read.studyUid);
    const representationOf = await implicitRepresentations();
    const name = fileNames();
    const fileOf = (instance: FoundInstance): ZipFile => {
      const fileId = name(instance.seriesUid);
      const open = async () => {
        const bytes = await this.files.stored(instance);
        const passed = readInPassing(countedWhenRead(bytes, read), representationOf, (values) =>
          directory.add({ ...instance, fileId, values }),
        );
        return withStream(bytes, passed);
      };
      const ahead = isReadAtOnce(instance.size) ? instance.size : undefined;
      return { name: fileId.join('/'), ahead, open };
    };
    const [first, ...rest] = read.instances;
    const dicomdir: ZipFile = {
      name: 'DICOMDIR',
      ahead: undefined,
      open: () => Promise.resolve(directoryBytes(directory)),
    };
    return [fileOf(first), ...rest.map(fileOf), dicomdir];
  }
}

/** Returns a function that names the next file of a series. A component has at most eight capital letters and digits (PS3.10 §8.2). */
function fileNames(): (seriesUid: string) => readonly string[] {
  const series = new Map<string, { readonly folder: string; files: number }>();
  return (seriesUid) => {
    const known = series.get(seriesUid) ?? { folder: `SE${sixDigits(series.size + 1)}`, files: 0 };
    series.set(seriesUid, known);
    known.files += 1;
    return ['DICOM', 'ST000001', known.folder, `IM${sixDigits(known.files)}`];
  };
}

function sixDigits(number: number): string {
  return String(number).padStart(6, '0');
}

function withStream({ length, stream: source }: ArchiveBytes, passed: AsyncGenerator<Buffer>): ArchiveBytes {
  const stream = Readable.from(passed, { objectMode: false });
  // The generator closes the source only if it was started.
  stream.once('close', () => source.on('error', () => undefined).destroy());
  return { length, stream };
}

/** The bytes of a file. They are added to the totals of the audit only when they are read, because files are opened early. */
async function* countedWhenRead(bytes: ArchiveBytes, read: RecordedRead): AsyncGenerator<Buffer> {
  const { stream } = metered(bytes, { instances: 1 }, read.offered);
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('the archive sent a chunk that is not bytes');
    yield chunk;
  }
}

function directoryBytes(directory: MediaDirectory): ArchiveBytes {
  const pieces = directory.pieces(`2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`).toString()}`);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { length, stream: Readable.from(pieces, { objectMode: false }) };
}

/** The name of the file tells the archives of different studies apart, but contains no data of the patient. */
function headersOf(target: ResourceUids, level: DownloadLevel): DicomwebAnswer['headers'] {
  const uids = [target.study, target.series ?? '', target.instance ?? ''].join(' ');
  const digest = createHash('sha256').update(uids).digest('hex').slice(0, 8);
  return {
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${level}-${digest}.zip"`,
    'cache-control': 'private, no-store',
    vary: VARY,
  };
}
