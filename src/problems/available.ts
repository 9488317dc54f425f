const MAX_NAMES = 40;

/**
 * Returns a sentence that lists the available names, for the detail about an unknown name. The sentence lists at most 40 names. Must not be
 * used for accounts, studies or patients, whose names are confidential.
 */
export function availableNames(names: readonly unknown[]): string {
  const shown = names.slice(0, MAX_NAMES).map(String);
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `Available: ${shown.join(', ') || 'none'}${more}.`;
}
