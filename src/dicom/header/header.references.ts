/** What a data set refers to, by UID: studies, series and instances of the archive. */
export interface References {
  readonly studies: ReadonlySet<string>;
  readonly series: ReadonlySet<string>;
  readonly instances: ReadonlySet<string>;
}

const STUDY = 0x0020000d;
const SERIES = 0x0020000e;
const INSTANCE = 0x00081155;
/** Sequences whose items name a study as their referenced SOP (PS3.3 §C.7.2.1, §C.8.8.5). */
const STUDIES_IN = new Set([0x00081110, 0x30060012]);
/**
 * Sequences whose items name no composite object but results, a patient, a visit or a procedure step (PS3.6 table 6-1). In every other
 * sequence, also one that the standard does not know, a referenced SOP is an instance of the archive.
 */
const NO_INSTANCES_IN = new Set([
  0x00081100, 0x00081111, 0x00081120, 0x00081125, 0x00400330, 0x00404015, 0x00404016, 0x00741220, 0x00741224,
  0x30100044,
]);
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
    return tag === INSTANCE && !NO_INSTANCES_IN.has(within);
  }

  take(tag: number, bytes: Buffer): void {
    const uid = bytes
      .toString('latin1')
      .replace(/[ \0]+$/, '')
      .trim();
    if (uid === '') return;
    if (tag === SERIES) this.#series.add(uid);
    else if (tag === STUDY || STUDIES_IN.has(this.#within)) this.#studies.add(uid);
    else this.#instances.add(uid);
  }

  /** What was found; `undefined` when it is more than an annotation has. */
  get found(): References | undefined {
    const { size } = this.#instances;
    if (size + this.#series.size + this.#studies.size > MOST) return undefined;
    return { studies: this.#studies, series: this.#series, instances: this.#instances };
  }
}
