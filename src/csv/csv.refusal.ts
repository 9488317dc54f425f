import { ISSUE_CODES, type IssueCode } from '../mapping/issue.codes.js';

/** A file of which nothing is read: `code` is one of the `file-…` codes, `columns` the mapping's names it is about. */
export class FileRefused extends Error {
  constructor(
    readonly code: IssueCode,
    readonly columns: readonly string[] = [],
  ) {
    super(ISSUE_CODES.get(code)?.message ?? code);
    this.name = 'FileRefused';
  }
}
