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

/** A bounded number of places for each of any number of people, of whom only those who have one are remembered. */
class Shares {
  private readonly shares = new Map<string, { readonly slots: Slots; takers: number }>();

  constructor(private readonly places: number) {}

  /** Waits for a place of this person's own and gives the function that returns it; calling that again does nothing. */
  async take(who: string): Promise<() => void> {
    const share = this.shares.get(who) ?? { slots: new Slots(this.places), takers: 0 };
    this.shares.set(who, share);
    share.takers += 1;
    const release = await share.slots.take();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      release();
      share.takers -= 1;
      if (share.takers === 0) this.shares.delete(who);
    };
  }
}

/** A bounded number of places of which one person has only some. */
export class FairSlots {
  private readonly all: Slots;
  private readonly each: Shares;

  constructor(places: number, ofOne: number) {
    this.all = new Slots(places);
    this.each = new Shares(ofOne);
  }

  /** Waits for a place, among this person's own first, so that who waits for one of theirs is in nobody's way; nobody in particular has no such bound. */
  async take(who: string | undefined): Promise<() => void> {
    const own = who === undefined ? undefined : await this.each.take(who);
    const release = await this.all.take();
    return () => {
      release();
      own?.();
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
