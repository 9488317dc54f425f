const MAX_NAMES = 40;

/** The sentence that lists the existing names, at most 40, after an unknown name. Not for accounts, studies or patients. */
export function availableNames(names: readonly unknown[]): string {
  const shown = names.slice(0, MAX_NAMES).map(String);
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `Available: ${shown.join(', ') || 'none'}${more}.`;
}
