const START_BYTES = 4;
const HEAD_BYTES = 5;

/**
 * Reads the statements that a client sends to PostgreSQL, from the bytes of one connection. A statement is noted when it runs, with its
 * text and its parameters. A prepared statement is noted each time, although its text is sent only once.
 */
export class StatementReader {
  private held = Buffer.alloc(0);
  private hasStarted = false;
  private readonly prepared = new Map<string, string>();

  constructor(private readonly note: (statement: string) => void) {}

  take(chunk: Buffer): void {
    this.held = Buffer.concat([this.held, chunk]);
    // The first message has no type (PostgreSQL, "Message Formats": StartupMessage).
    if (!this.hasStarted) {
      const length = this.held.length < START_BYTES ? Number.POSITIVE_INFINITY : this.held.readUInt32BE(0);
      if (this.held.length < length) return;
      this.held = this.held.subarray(length);
      this.hasStarted = true;
    }
    while (this.held.length >= HEAD_BYTES) {
      const end = 1 + this.held.readUInt32BE(1);
      if (this.held.length < end) return;
      this.read(String.fromCharCode(this.held[0] ?? 0), this.held.toString('latin1', HEAD_BYTES, end));
      this.held = this.held.subarray(end);
    }
  }

  private read(type: string, body: string): void {
    const [first = '', second = '', ...rest] = body.split('\0');
    if (type === 'Q') this.note(first);
    if (type === 'P') this.prepared.set(first, second);
    if (type === 'B') this.note(`${this.prepared.get(second) ?? ''}\0${rest.join('\0')}`);
  }
}
