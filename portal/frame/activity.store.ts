/** Long work of this tab. The pages that do the work note it here, so that the frame need not load them. */
export interface Activities {
  /** The progress of the upload in percent. Undefined if there is none. */
  readonly upload: { readonly percent: number; readonly isWaiting: boolean } | undefined;
  /** The ids of the imports that were opened while they ran, each with the time of its opening in ms. */
  readonly imports: ReadonlyMap<string, number>;
}

let activities: Activities = { upload: undefined, imports: new Map() };
const listeners = new Set<() => void>();

function change(next: Partial<Activities>): void {
  activities = { ...activities, ...next };
  for (const listener of listeners) listener();
}

export function activitiesNow(): Activities {
  return activities;
}

/** Calls `listener` after each change. Returns a function that ends this. */
export function onActivities(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Notes the progress of the upload, or that it has ended. */
export function noteUpload(upload: Activities['upload']): void {
  const { upload: last } = activities;
  if (last?.percent === upload?.percent && last?.isWaiting === upload?.isWaiting) return;
  change({ upload });
}

/** Shows the progress of a running import on all pages. */
export function followImport(id: string): void {
  change({ imports: new Map([...activities.imports, [id, Date.now()]]) });
}

/** Ends {@link followImport}. */
export function forgetImport(id: string): void {
  change({ imports: new Map([...activities.imports].filter(([one]) => one !== id)) });
}
