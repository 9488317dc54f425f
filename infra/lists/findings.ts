import type { Finding } from '../demo/records.client.ts';

const ORDER = ['error', 'warning', 'information'];

/** Formats the findings of an import, one line each: row, column, code, message and suggestion. Errors come first. */
export function findingLines(findings: readonly Finding[], most: number): string[] {
  const sorted = findings.toSorted(
    (one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity),
  );
  const lines = sorted.slice(0, most).map(lineOf);
  const left = findings.length - lines.length;
  return left > 0 ? [...lines, `  … ${left} more findings (--findings N shows N of them)`] : lines;
}

function lineOf({ place, severity, code, message, suggestion }: Finding): string {
  return `  ${place === '' ? '' : `${place}: `}${severity} ${code}: ${message} ${suggestion}`.trimEnd();
}
