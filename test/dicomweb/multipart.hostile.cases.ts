/** A STOW request and its expected result. `stored` is the number of instances that are stored. */
export interface Case {
  readonly what: string;
  /** The Content-Type of the request, if it differs from the usual one. */
  readonly type?: string;
  /** The pieces of the body: text, or the name of a file. */
  readonly body: readonly (string | Piece)[];
  readonly status: number | readonly number[];
  readonly stored: number;
}
/** `one` and `two` are complete instances of separate studies. `half` is the first half of `two`. */
export type Piece = { readonly file: 'one' | 'two' | 'half' };

const one: Piece = { file: 'one' };
const two: Piece = { file: 'two' };
const half: Piece = { file: 'half' };
const DICOM = 'Content-Type: application/dicom\r\n\r\n';
const open = `--B\r\n${DICOM}`;
const next = `\r\n--B\r\n${DICOM}`;
const close = '\r\n--B--\r\n';
const related = (rest: string) => `multipart/related; type="application/dicom"; ${rest}`;
const sound: Case['body'] = [open, one, next, two, close];

/** A body with an unusual Content-Type. */
function typed(what: string, type: string, status: number, stored = 0, body = sound): Case {
  return { what, type, body, status, stored };
}
/** A malformed multipart body. The response must not acknowledge any instance of this body. */
function broken(what: string, body: Case['body'], stored: number): Case {
  return { what, body, status: 400, stored };
}
/** A valid body in an unusual form. */
function whole(what: string, body: Case['body'], stored = 2): Case {
  return { what, body, status: 200, stored };
}

/**
 * For a malformed body, `stored` is the number of parts that ended before the fault. These parts are stored, but the response does not list
 * them.
 */
export const cases: readonly Case[] = [
  whole('as it should be', sound),
  whole('without a line end behind the last boundary', [open, one, next, two, '\r\n--B--']),
  whole('with a preamble', ['For others\r\n--C\r\n', open, one, next, two, close]),
  whole('with an epilogue', [...sound, 'and more\r\n--C--\r\n']),
  whole('with a line end before the first boundary', ['\r\n', ...sound]),
  whole('with blanks behind a boundary', [`--B  \t\r\n${DICOM}`, one, close], 1),
  whole('with no header in its part', ['--B\r\n\r\n', one, close], 1),
  whole('with header names in capitals', ['--B\r\nCONTENT-TYPE: APPLICATION/DICOM\r\n\r\n', one, close], 1),
  whole('with a folded header', ['--B\r\nContent-Type:\r\n application/dicom\r\n\r\n', one, close], 1),
  whole('with parameters of the part’s type', ['--B\r\nContent-Type: application/dicom; transfer-syntax=*\r\n\r\n', one, close], 1),
  whole('with a Content-Location that leads elsewhere', [`--B\r\nContent-Location: http://elsewhere.example/\r\n${DICOM}`, one, close], 1),
  whole('with a Content-Length that lies', [`--B\r\nContent-Length: 3\r\n${DICOM}`, one, close], 1),
  whole('with the same instance twice', [open, one, next, one, close], 1),
  typed('a boundary in quotes', related('boundary="B"'), 200, 2),
  typed('a boundary between other parameters', related('charset=utf-8; boundary=B; start="<1>"'), 200, 2),
  typed('no type parameter', 'multipart/related; boundary=B', 200, 2),
  typed('capitals', 'MULTIPART/RELATED; TYPE="APPLICATION/DICOM"; BOUNDARY=B', 200, 2),
  typed('another boundary', related('boundary=C'), 400),
  typed('a boundary in small letters', related('boundary=b'), 400),
  typed('a type without boundary', 'multipart/related; type="application/dicom"', 400),
  typed('an empty boundary', related('boundary='), 400),
  typed('two boundaries', related('boundary=B; boundary=C'), 400),
  typed('a boundary of 71 characters', related(`boundary=${'B'.repeat(71)}`), 400),
  typed('a boundary that ends in a blank', related('boundary="B "'), 400),
  typed('a quoted boundary that does not end', related('boundary="B'), 400),
  typed('form data', 'multipart/form-data; boundary=B', 415),
  typed('mixed parts without boundary', 'multipart/mixed', 415),
  typed('mixed parts', 'multipart/mixed; boundary=B', 415),
  typed('another type inside', 'multipart/related; type="application/dicom+json"; boundary=B', 415),
  typed('no DICOM', 'application/octet-stream', 415),
  typed('nothing', '', 415),
  typed('JSON', 'application/json', 415, 0, ['{}']),
  typed('a single instance that is none', 'application/dicom', 409),
  typed('a single instance', 'application/dicom', 200, 1, [one]),
  typed('a single instance cut off', 'application/dicom', 409, 0, [half]),
  typed('a single instance of no bytes', 'application/dicom', 409, 0, []),
  broken('nothing at all', [], 0),
  broken('only blanks', ['\r\n\r\n  '], 0),
  broken('no boundary', [one], 0),
  broken('only the last boundary', ['--B--\r\n'], 0),
  broken('only a preamble', ['x'.repeat(70_000)], 0),
  broken('LF line ends', [`--B\nContent-Type: application/dicom\n\n`, one, '\n--B--\n'], 0),
  broken('CR line ends', [`--B\rContent-Type: application/dicom\r\r`, one, '\r--B--\r'], 0),
  broken('LF behind the boundary', [`--B\n${DICOM}`, one, close], 0),
  broken('an LF between headers', ['--B\r\nA: b\nContent-Type: application/dicom\r\n\r\n', one, close], 0),
  broken('no last boundary', [open, one, next, two], 1),
  broken('no last boundary, but a line end', [open, one, next, two, '\r\n'], 1),
  broken('the last boundary cut off', [open, one, next, two, '\r\n--B-'], 2),
  broken('an open part behind the last boundary', [open, one, '\r\n--B--\r\n', next, two], 1),
  broken('a longer boundary', [open, one, '\r\n--BC\r\n', two, close], 1),
  broken('a boundary not at the line’s beginning', [open, one, ' --B--'], 0),
  broken('a header without end', [`--B\r\nA: ${'b'.repeat(20_000)}\r\n`, open, one, close], 0),
  broken('five hundred headers', [`--B\r\n${Array.from({ length: 500 }, (_, at) => `A${at}: ${'b'.repeat(20)}\r\n`).join('')}${DICOM}`, one, close], 0),
  broken('a header twice', [`--B\r\nContent-Type: application/dicom\r\n${DICOM}`, one, close], 0),
  broken('a header with no colon', [`--B\r\nhello\r\n${DICOM}`, one, close], 0),
  broken('a header with a NUL', [`--B\r\nA: \0\r\n${DICOM}`, one, close], 0),
  broken('a header with a blank before its colon', ['--B\r\nContent-Type : application/dicom\r\n\r\n', one, close], 0),
  broken('a part that ends in its headers', ['--B\r\nContent-Type: application/dicom\r\n--B--\r\n'], 0),
  broken('chunks of something else', [`5\r\nhello\r\n0\r\n\r\n`], 0),
  { what: 'a part of another type', body: ['--B\r\nContent-Type: text/plain\r\n\r\n', one, close], status: 415, stored: 0 },
  { what: 'a part of another type behind a sound one', body: [open, one, '\r\n--B\r\nContent-Type: text/plain\r\n\r\n', two, close], status: 415, stored: 1 },
  { what: 'an empty part', body: ['--B\r\n\r\n', close], status: 409, stored: 0 },
  { what: 'an empty part and a sound one', body: [open, next, one, close], status: 202, stored: 1 },
  { what: 'a part cut off inside', body: [open, half, next, one, close], status: 202, stored: 1 },
  { what: 'a part with a line end before the file', body: [open, '\r\n', one, close], status: 409, stored: 0 },
  { what: 'a part with words behind the file', body: [open, one, 'hello', close], status: [200, 409], stored: -1 },
  { what: 'a part inside a part', body: [open, '--C\r\n', DICOM, one, '\r\n--C--', close], status: 409, stored: 0 },
]; // prettier-ignore
