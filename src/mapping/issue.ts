import { ISSUE_CODES, type IssueCode, type Severity } from './issue.codes.js';

/** An issue of a row. `column` is the name of the column in the mapping. An issue contains no data of a cell. */
export interface Issue {
  readonly severity: Severity;
  readonly code: IssueCode;
  readonly message: string;
  readonly suggestion: string;
  readonly column?: string;
  /** The other row of the file that the issue is about, for example the other row of a duplicate. */
  readonly other_row?: number;
  /** The element of the resource that the FHIR server rejected, for example `Patient.birthDate`. */
  readonly element?: string;
}

/** Creates an issue. `severity` replaces the default severity of the code if the mapping sets another severity. */
export function issue(code: IssueCode, column?: string, severity?: Severity): Issue {
  const known = ISSUE_CODES.get(code);
  if (known === undefined) throw new Error(`The issue code ${code} has no text.`);
  return {
    severity: severity ?? known.severity,
    code,
    message: known.message,
    suggestion: known.suggestion,
    ...(column === undefined ? {} : { column }),
  };
}

/** Whether any of the issues rejects the row. */
export const rejects = (issues: readonly Issue[]): boolean =>
  issues.some(({ severity }) => severity === 'error');
