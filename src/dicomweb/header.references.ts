/** What a data set refers to, by UID: studies, series and instances of the archive. */
export interface References {
  readonly studies: ReadonlySet<string>;
  readonly series: ReadonlySet<string>;
  readonly instances: ReadonlySet<string>;
}

const STUDY = 0x0020000d;
const SERIES = 0x0020000e;
const INSTANCE = 0x00081155;
/** Sequences whose items are instances of the archive (PS3.3 §10.3, C.17.2.1, C.8.20.2): elsewhere a referenced UID may be that of a step or a visit. */
const INSTANCES_IN = new Set([0x00081115, 0x00081140, 0x0008114a, 0x00081199, 0x00082112, 0x0008113a]);
/** Of a study as its one referenced SOP (PS3.3 §C.7.2.1). */
const STUDIES_IN = 0x00081110;
/** A segmentation of thousands of frames refers to each; more than this is no annotation. */
const MOST = 20_000;

/** Collects the references of a data set, wherever they are nested. */
export class ReferenceCollector {
  readonly #studies = new Set<string>();
  readonly #series = new Set<string>();
  readonly #instances = new Set<string>();
  #within = 0;

  /** Whether a value inside the sequence `within` is a reference. */
  wants(tag: number, within: number): boolean {
    this.#within = within;
    if (tag === STUDY || tag === SERIES) return true;
    return tag === INSTANCE && (INSTANCES_IN.has(within) || within === STUDIES_IN);
  }

  take(tag: number, bytes: Buffer): void {
    const uid = bytes
      .toString('latin1')
      .replace(/[ \0]+$/, '')
      .trim();
    if (uid === '') return;
    if (tag === SERIES) this.#series.add(uid);
    else if (tag === STUDY || this.#within === STUDIES_IN) this.#studies.add(uid);
    else this.#instances.add(uid);
  }

  /** What was found; `undefined` when it is more than an annotation has. */
  get found(): References | undefined {
    const { size } = this.#instances;
    if (size + this.#series.size + this.#studies.size > MOST) return undefined;
    return { studies: this.#studies, series: this.#series, instances: this.#instances };
  }
}
