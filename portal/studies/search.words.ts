// The words of the search name patients. So they stay in memory, and never in the address or in the browser's storage.
let words = '';
const listeners = new Set<() => void>();

export function wordsNow(): string {
  return words;
}

export function setWords(next: string): void {
  words = next;
  for (const listener of listeners) listener();
}

/** Calls `listener` after each change. Returns a function that ends this. */
export function onWords(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
