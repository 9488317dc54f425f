/** Returns a copy of a document with another value at a path. Parts of the path that are missing are added as objects. */
export function changedAt(document: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(document))
    return document.map((item: unknown, index) => (index === step ? changedAt(item, rest, value) : item));
  const members = typeof document === 'object' && document !== null ? Object.entries(document) : [];
  const present: unknown = members.find(([name]) => name === String(step))?.[1];
  return { ...Object.fromEntries(members), [step]: changedAt(present, rest, value) };
}

/** Returns the value of a document at a path, or `undefined`. */
export function documentValue(document: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).find(([name]) => name === String(step))?.[1]
        : undefined,
    document,
  );
}

/** Returns the value of a JSON text, or `undefined` if the text is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
