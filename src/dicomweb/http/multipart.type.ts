/** The parameters of a multipart/related Content-Type: the boundary, and the type of the root part in lower case. */
export interface MultipartType {
  boundary: string;
  type: string | undefined;
}

const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
const MEDIA_TYPE = /^[ \t]*multipart\/related[ \t]*(?=;|$)/i;
// Unquoted values may contain more characters than RFC 9110 §5.6.6 allows, because senders write `type=application/dicom` and
// `boundary=--=_a:b`.
const PARAMETER =
  /;[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'()*+,\-./0-9:=?@A-Z^_`a-z|~]+))[ \t]*)?/y;

/** Whether RFC 2046 §5.1.1 allows this text as a boundary. */
export function isBoundary(text: string): boolean {
  return BOUNDARY.test(text);
}

/**
 * Parses a Content-Type header strictly (RFC 2387, RFC 2046 §5.1.1). Returns `undefined` when the type is not multipart/related, the
 * boundary is invalid, or a parameter is malformed or repeated.
 */
export function parseMultipartType(value: string): MultipartType | undefined {
  const start = MEDIA_TYPE.exec(value);
  if (start === null) return undefined;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = start[0].length;
  for (let end = start[0].length; end < value.length; end = PARAMETER.lastIndex) {
    const match = PARAMETER.exec(value);
    if (match === null) return undefined;
    const name = match[1]?.toLowerCase();
    if (name === undefined) continue;
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[3] ?? (match[2] ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  const boundary = parameters.get('boundary');
  if (boundary === undefined || !isBoundary(boundary)) return undefined;
  return { boundary, type: parameters.get('type')?.toLowerCase() };
}
