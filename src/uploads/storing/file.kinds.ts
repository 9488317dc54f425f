import { UnsupportedMedia } from '../../problems/errors.js';

/** The kinds of files that can be uploaded. */
export const FILE_KINDS = ['dicom', 'jpeg', 'png', 'pdf'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

/** Number of bytes from the beginning of a file that {@link kindOf} needs. */
export const KIND_BYTES = 1024;

/** The kind of a file by its first bytes. The name of a file and its declared media type are not used. Throws `UnsupportedMedia`. */
export function kindOf(head: Buffer): FileKind {
  if (head.toString('latin1', 128, 132) === 'DICM') return 'dicom';
  if (head.toString('hex', 0, 3) === 'ffd8ff') return 'jpeg';
  if (head.toString('hex', 0, 8) === '89504e470d0a1a0a') return 'png';
  if (head.includes('%PDF-')) return 'pdf';
  throw new UnsupportedMedia(
    'unsupported-file',
    'Unsupported kind of file. Upload a DICOM file, a JPEG or PNG picture, or a PDF document.',
  );
}
