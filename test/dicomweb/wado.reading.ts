/** One part of a `multipart/related` body, with its headers (names in lower case) and its bytes. */
export interface ReadPart {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Splits a complete multipart body by its declared boundary. Throws if the body does not end with the closing boundary. */
export function partsOf(contentType: string, body: Buffer): ReadPart[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`no boundary in ${contentType}`);
  const closing = `\r\n--${boundary}--\r\n`;
  if (!body.subarray(-closing.length).equals(Buffer.from(closing))) throw new Error('no closing boundary');
  const mark = Buffer.from(`--${boundary}\r\n`);
  const parts: ReadPart[] = [];
  let at = body.indexOf(mark);
  while (at !== -1) {
    const next = body.indexOf(Buffer.concat([Buffer.from('\r\n'), mark]), at + mark.length);
    const end = next === -1 ? body.length - closing.length : next;
    parts.push(readPart(body.subarray(at + mark.length, end)));
    at = next === -1 ? -1 : next + 2;
  }
  return parts;
}

function readPart(bytes: Buffer): ReadPart {
  const blank = bytes.indexOf('\r\n\r\n');
  const lines = bytes.subarray(0, blank).toString('latin1').split('\r\n');
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return { headers: Object.fromEntries(headers), body: bytes.subarray(blank + 4) };
}
