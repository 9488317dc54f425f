import { ISSUE_CODES, type IssueCode } from '../mapping/issue.codes.js';

/** The error for a file that cannot be imported. `code` is a `file-…` code, and `columns` are the affected columns of the mapping. */
export class FileRefused extends Error {
  constructor(
    readonly code: IssueCode,
    readonly columns: readonly string[] = [],
  ) {
    super(ISSUE_CODES.get(code)?.message ?? code);
    this.name = 'FileRefused';
  }
}
