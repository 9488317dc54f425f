import type { paths } from 'interface';

export type ImportReport = paths['/api/imports/{id}']['get']['responses'][200]['content']['application/json'];
type Status = ImportReport['status'];

const MOVING: ReadonlySet<Status> = new Set(['inspecting', 'queued', 'running']);

/** Whether the import works on its rows now, so that its figures change. */
export function isMoving({ status, undoing }: Pick<ImportReport, 'status' | 'undoing'>): boolean {
  return undoing || MOVING.has(status);
}

/** The colour of each status: amber for what waits, red for what failed. */
export const STATUS_COLORS: Readonly<Record<Status, string>> = {
  inspecting: 'teal',
  needs_mapping: 'yellow',
  rehearsed: 'yellow',
  queued: 'teal',
  running: 'teal',
  completed: 'green',
  completed_with_errors: 'yellow',
  cancelled: 'gray',
  failed: 'red',
  undone: 'gray',
};

/** What a person may do with an import in this status. */
export type ImportAction = 'commit' | 'cancel' | 'retry' | 'undo';
export const ACTIONS: Readonly<Record<Status, readonly ImportAction[]>> = {
  inspecting: ['cancel'],
  needs_mapping: ['cancel'],
  rehearsed: ['commit', 'cancel'],
  queued: ['cancel'],
  running: ['cancel'],
  completed: ['undo'],
  completed_with_errors: ['retry', 'undo'],
  cancelled: ['retry', 'undo'],
  failed: ['retry', 'undo'],
  undone: [],
};

/** The status as people read it: a rehearsal runs too, but it writes nothing. */
export function shownStatus({ status, mode }: Pick<ImportReport, 'status' | 'mode'>): Status | 'rehearsing' {
  return status === 'running' && mode === 'rehearse' ? 'rehearsing' : status;
}
