import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Status line, headers and body of a response. */
export type KeptAnswer = { status: number; head: string; body: string };

/** One HTTP/1.1 connection. A test can send any bytes on it and reads the answers in order. */
export class KeptConnection {
  private got = '';
  private closed = false;
  private readonly socket: Socket;
  private wake: () => void = () => undefined;

  /** `origin` is scheme, host and port. Certificates are not checked. */
  constructor(origin: string) {
    const { protocol, hostname: host, port } = new URL(origin);
    const to = { host, port: Number(port) };
    this.socket =
      protocol === 'https:'
        ? connectTls({ ...to, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
        : connect(to);
    this.socket.on('data', (chunk: Buffer) => {
      this.got += chunk.toString('latin1');
      this.wake();
    });
    // If a client sends bytes after `Connection: close`, the server may reset the connection.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  /** Sends these bytes. Resolves when the socket has accepted the bytes or the connection is closed. */
  async send(bytes: string | Buffer): Promise<void> {
    if (!this.socket.writable) return;
    await new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.write(bytes, () => resolve());
    });
  }

  /**
   * The next response, also an interim response (1xx). Undefined if the response is not complete within the time limit or before the
   * connection ends.
   */
  async answer(milliseconds: number): Promise<KeptAnswer | undefined> {
    const until = Date.now() + milliseconds;
    for (;;) {
      const answer = this.take();
      if (answer !== undefined || this.closed || Date.now() >= until) return answer;
      await this.news(until - Date.now());
    }
  }

  /** Whether the server ends the connection within this time. Bytes that arrive before the end are kept. */
  async ends(milliseconds: number): Promise<boolean> {
    const until = Date.now() + milliseconds;
    while (!this.closed && Date.now() < until) await this.news(until - Date.now());
    return this.closed;
  }

  /** All received bytes that are not part of an answer. */
  get unread(): string {
    return this.got;
  }

  destroy(): void {
    this.socket.destroy();
  }

  private news(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private take(): KeptAnswer | undefined {
    const end = this.got.indexOf('\r\n\r\n') + 4;
    if (end < 4) return undefined;
    const head = this.got.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (this.got.length < end + length) return undefined;
    const body = this.got.slice(end, end + length);
    this.got = this.got.slice(end + length);
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body };
  }
}
