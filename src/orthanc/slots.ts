import { PassThrough, pipeline, type Readable } from 'node:stream';

/** A bounded number of places; who finds none waits in line. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(places: number) {
    this.free = places;
  }

  /** Waits for a place and gives the function that returns it; calling that again does nothing. */
  async take(): Promise<() => void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((enter) => this.waiting.push(enter));
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    };
  }
}

/** Passes `source` on; when its reader takes nothing for `milliseconds` both ends are destroyed, so the archive is freed. */
export function withStallLimit(source: Readable, milliseconds: number, done: () => void): Readable {
  const out = new PassThrough();
  const timer = setTimeout(
    () => out.destroy(new Error('the reader took nothing for too long')),
    milliseconds,
  );
  out.on('data', () => timer.refresh());
  out.pause();
  pipeline(source, out, () => undefined);
  out.once('close', () => {
    clearTimeout(timer);
    done();
  });
  return out;
}
