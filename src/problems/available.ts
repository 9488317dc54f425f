const MOST = 40;

/** What follows the refusal of an unknown name: the names that exist, 40 at most. Never for accounts, studies or patients. */
export function availableNames(names: readonly unknown[]): string {
  const shown = names.slice(0, MOST).map(String);
  const more = names.length > MOST ? ` and ${names.length - MOST} more` : '';
  return `Available: ${shown.join(', ') || 'none'}${more}.`;
}
