import { createHash } from 'node:crypto';

/** Increase this number when a new version of the gateway writes another format of files or names. */
const FORMAT = 1;
const NAME = /^([\w-]{43})\.(\d{1,15})\.(\d{1,15})\.([\w-]{43})\.([0-9a-f]{32})$/;
/** The UIDs that may be the name of a folder. Studies with another UID are not cached. */
const FOLDER = /^[0-9][0-9.]{0,63}$/;

/** Identifies what a file contains: the study, and all values that the bytes of the file depend on. */
export interface CacheKey {
  readonly study: string;
  readonly choices: readonly unknown[];
}

/** The length and checksum of a file, and the values that are needed to send it. All of them are parts of the name of the file. */
export interface CachedFile {
  readonly study: string;
  /** The hash of the {@link CacheKey}. */
  readonly key: string;
  /** The length of the file in bytes. */
  readonly length: number;
  /** The number of bytes that the totals of the audit contain for this body. */
  readonly payload: number;
  /** The SHA-256 of the file in base64url. */
  readonly sha256: string;
  /** The boundary of a multipart body. */
  readonly boundary: string;
}

/** Whether files of this study can be cached. */
export function hasFolder(study: string): boolean {
  return FOLDER.test(study);
}

/** The hash of a key. */
export function hashOfKey({ study, choices }: CacheKey): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, study, choices]))
    .digest('base64url');
}

/** The path of a file in the cache folder, with `/` as separator. */
export function pathOf({ study, key, length, payload, sha256, boundary }: CachedFile): string {
  return `${study}/${key}.${length}.${payload}.${sha256}.${boundary}`;
}

/** Parses a name that {@link pathOf} made. The result is `undefined` for any other name. */
export function parseName(study: string, name: string): CachedFile | undefined {
  const [, key, length, payload, sha256, boundary] = NAME.exec(name) ?? [];
  if (key === undefined || sha256 === undefined || boundary === undefined) return undefined;
  return { study, key, length: Number(length), payload: Number(payload), sha256, boundary };
}
