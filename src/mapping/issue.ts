import { ISSUE_CODES, type IssueCode, type Severity } from './issue.codes.js';

/** One finding about a row: `column` is the mapping's name of it; nothing of a cell is in it. */
export interface Issue {
  readonly severity: Severity;
  readonly code: IssueCode;
  readonly message: string;
  readonly suggestion: string;
  readonly column?: string;
}

/** Makes an issue; `severity` overrides the code's own where a mapping's policy says so. */
export function issue(code: IssueCode, column?: string, severity?: Severity): Issue {
  const known = ISSUE_CODES.get(code);
  if (known === undefined) throw new Error(`The reason code ${code} is not explained.`);
  return {
    severity: severity ?? known.severity,
    code,
    message: known.message,
    suggestion: known.suggestion,
    ...(column === undefined ? {} : { column }),
  };
}

/** Whether any of them rejects the row. */
export const rejects = (issues: readonly Issue[]): boolean =>
  issues.some(({ severity }) => severity === 'error');
