const MAX_NAMES = 40;

/**
 * Returns the sentence that lists the existing names after an unknown name. Lists at most 40 names. Must not be used for accounts, studies
 * or patients, whose names are confidential.
 */
export function availableNames(names: readonly unknown[]): string {
  const shown = names.slice(0, MAX_NAMES).map(String);
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `Available: ${shown.join(', ') || 'none'}${more}.`;
}
