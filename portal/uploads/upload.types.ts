import type { Beginning } from './part10.ts';
import type { StoredResult } from './store.response.ts';

/** A file that a person chose. Its bytes are read only when they are sent. */
export interface UploadSource {
  readonly name: string;
  readonly size: number;
  /** Why the file cannot be sent, if this is known in advance. */
  readonly fault?: FileFault | undefined;
  /** The first bytes of the file. Rejects if the file cannot be read. */
  readonly beginning: () => Promise<Uint8Array>;
  /** The whole file. Rejects if the file cannot be read. */
  readonly blob: () => Promise<Blob>;
}

/**
 * The state of a file. `waiting` and `sending` are not final. `present`: the archive has an instance with this UID. `skipped`: the directory
 * of a disc. `twice`: the same instance was chosen before.
 */
export type FileState =
  | { readonly at: 'checking' | 'waiting' | 'sending' | 'stored' | 'present' | 'twice' | 'skipped' }
  | { readonly at: 'failed'; readonly why: FileFault; readonly comment: string };

/** Why a file was not stored: a fault that the browser found, or the Failure Reason of the gateway as a number. */
export type FileFault = 'not-dicom' | 'unreadable' | 'empty' | 'encrypted' | 'archive' | 'refused' | number;

/** A chosen file with its state. `wasSent`: an attempt was interrupted, so that the archive may have it already. */
export interface UploadFile {
  readonly id: number;
  readonly source: UploadSource;
  readonly sopUid: string;
  readonly state: FileState;
  readonly wasSent: boolean;
}

/** The answer to a batch. `later`: the server cannot answer now; `seconds` is the time that it requires the client to wait. */
export type BatchAnswer =
  | { readonly kind: 'answered'; readonly results: readonly StoredResult[] }
  | { readonly kind: 'later'; readonly seconds: number | undefined }
  | { readonly kind: 'signed-out' | 'aborted' }
  | { readonly kind: 'refused'; readonly comment: string };

/** What the queue needs from the browser. Tests give their own. */
export interface UploadTransport {
  readonly send: (
    blobs: readonly Blob[],
    sopUids: readonly string[],
    signal: AbortSignal,
    progress: (bytes: number) => void,
  ) => Promise<BatchAnswer>;
  /** The SOP Instance UIDs of these that the archive has. `undefined`: the server did not answer. */
  readonly known: (
    sopUids: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlySet<string> | undefined>;
  readonly read: (bytes: Uint8Array) => Beginning;
  /** Waits. Ends earlier when the network or the session returns. */
  readonly wait: (seconds: number, signal: AbortSignal) => Promise<void>;
  readonly signedIn: (signal: AbortSignal) => Promise<void>;
}

/** Failure Reasons that the same file can avoid later: an interruption, a missing right, and an archive without room. */
const PASSING: ReadonlySet<FileFault> = new Set<FileFault>(['refused', 0x0110, 0x0124, 0xa700]);

/** Whether a file failed for a reason that another attempt can avoid. */
export function maySucceed({ state }: Pick<UploadFile, 'state'>): boolean {
  return state.at === 'failed' && PASSING.has(state.why);
}
