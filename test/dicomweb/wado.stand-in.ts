import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The simulated fault between gateway and archive: none, a refusal, a truncated body, no response, or no connection. */
export type Fault = 'none' | 'refuses' | 'cuts' | 'stalls' | 'away';

/** A proxy in front of the real archive. It simulates faults that the archive cannot produce, and counts the gateway's connections. */
export class StandIn {
  fault: Fault = 'none';
  target = '';
  url = '';
  /** The requests of the gateway, in order. */
  readonly paths: string[] = [];
  private readonly server = createServer((incoming, outgoing) => this.answer(incoming, outgoing));

  async start(): Promise<this> {
    // Orthanc closes an idle connection after one second. A longer time would count idle connections as reads that are not ended.
    this.server.keepAliveTimeout = 1000;
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address() satisfies AddressInfo | string | null;
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.paths.push(incoming.url ?? '');
    if (this.fault === 'away' || this.target === '') return void incoming.socket.destroy();
    if (this.fault === 'stalls') return;
    if (this.fault === 'refuses') return void outgoing.writeHead(503).end('busy with Retrieved^Person');
    const cuts = this.fault === 'cuts';
    const { method, headers } = incoming;
    const upstream = request(new URL(incoming.url ?? '/', this.target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!cuts) return void answer.pipe(outgoing);
      answer.once('data', (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, chunk.length / 2), () => {
          incoming.socket.destroy();
          answer.destroy();
        });
      });
    });
    upstream.on('error', () => incoming.socket.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }
}
