/** A picture file that was opened and checked. */
export interface OpenedPicture {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 8 | 16;
  readonly photometric: 'MONOCHROME2' | 'RGB' | 'YBR_FULL_422';
  /** Whether `bytes` is a JPEG baseline stream, and not uncompressed samples in little endian. */
  readonly isJpeg: boolean;
  /** Whether the samples come from a JPEG stream. */
  readonly isLossy: boolean;
  /** Uncompressed size divided by the size of the JPEG stream. 1 for other pictures. */
  readonly ratio: number;
  readonly profile: Uint8Array<ArrayBuffer> | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What was done to the file, in words. */
  readonly notes: readonly string[];
}

/** Largest number of samples of a picture. The gateway cannot decode larger frames. */
export const MOST_PICTURE_SAMPLES = 64 * 1024 * 1024;
/** Largest ICC profile in bytes. */
export const LARGEST_PROFILE = 4 * 1024 * 1024;
