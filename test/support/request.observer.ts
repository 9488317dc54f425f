import type { UpstreamRequest } from './upstream.grammar.ts';

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_LINE = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

/** The expected next part of a connection: a head, `left` bytes of a body or chunk, a chunk size line, or a trailer line. */
type Expecting =
  | { readonly what: 'head' | 'chunk line' | 'trailer line' }
  | { readonly what: 'body' | 'chunk'; left: number };

/** Parses the requests of one HTTP/1.1 connection. Calls `seen` with the request line and the headers of each request. Skips the bodies. */
export class RequestObserver {
  private expecting: Expecting = { what: 'head' };
  private held: Buffer = NOTHING;

  constructor(private readonly seen: (request: UpstreamRequest) => void) {}

  /** Parses the next bytes that the client has sent. */
  feed(chunk: Buffer): void {
    let rest = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    this.held = NOTHING;
    while (rest.length > 0) {
      const taken = this.take(rest);
      if (taken === 0) break;
      rest = rest.subarray(taken);
    }
    this.held = rest;
  }

  /** The number of parsed bytes, or 0 if more bytes are needed. */
  private take(bytes: Buffer): number {
    const now = this.expecting;
    if (now.what === 'head') return this.upTo(bytes, END_OF_HEAD, (text) => this.head(text));
    if (now.what === 'chunk line') return this.upTo(bytes, END_OF_LINE, (text) => this.chunkLine(text));
    if (now.what === 'trailer line') return this.upTo(bytes, END_OF_LINE, (text) => this.trailer(text));
    if (!('left' in now)) return 0;
    const taken = Math.min(now.left, bytes.length);
    now.left -= taken;
    if (now.left === 0) this.expecting = { what: now.what === 'chunk' ? 'chunk line' : 'head' };
    return taken;
  }

  private upTo(bytes: Buffer, end: Buffer, use: (text: string) => void): number {
    const at = bytes.indexOf(end);
    if (at < 0) return 0;
    use(bytes.toString('latin1', 0, at));
    return at + end.length;
  }

  private head(text: string): void {
    const [line = '', ...lines] = text.split('\r\n');
    const [method = '', target = ''] = line.split(' ');
    const headers = lines.map((each) => {
      const colon = each.indexOf(':');
      return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()] as const;
    });
    const valueOf = (name: string) => headers.find(([key]) => key === name)?.[1];
    const left = Number(valueOf('content-length') ?? 0);
    if (valueOf('transfer-encoding') === 'chunked') this.expecting = { what: 'chunk line' };
    else if (left > 0) this.expecting = { what: 'body', left };
    this.seen({ method, target, headers });
  }

  private chunkLine(text: string): void {
    const size = Number.parseInt(text, 16);
    this.expecting = size > 0 ? { what: 'chunk', left: size + 2 } : { what: 'trailer line' };
  }

  private trailer(text: string): void {
    if (text === '') this.expecting = { what: 'head' };
  }
}
