import { trimEndPadding } from '../padding.js';

/** The UIDs of the studies, series and instances that a data set refers to. */
export interface References {
  readonly studies: ReadonlySet<string>;
  readonly series: ReadonlySet<string>;
  readonly instances: ReadonlySet<string>;
}

const STUDY = 0x0020000d;
const SERIES = 0x0020000e;
const INSTANCE = 0x00081155;
/** Sequences whose items refer to a study by Referenced SOP Instance UID (PS3.3 §C.7.2.1, §C.8.8.5). */
const STUDIES_IN = new Set([0x00081110, 0x30060012]);
/**
 * Sequences whose items refer to results, a patient, a visit or a procedure step, and not to a composite object (PS3.6 table 6-1). In all
 * other sequences, known or unknown, Referenced SOP Instance UID names an instance of the archive.
 */
const NO_INSTANCES_IN = new Set([
  0x00081100, 0x00081111, 0x00081120, 0x00081125, 0x00400330, 0x00404015, 0x00404016, 0x00741220, 0x00741224,
  0x30100044,
]);
/** Largest number of references in an annotation. A segmentation refers to each of its source frames, which can be thousands. */
const MOST_REFERENCES = 20_000;

/** Collects the references of a data set at every nesting depth. */
export class ReferenceCollector {
  readonly #studies = new Set<string>();
  readonly #series = new Set<string>();
  readonly #instances = new Set<string>();
  #sequence = 0;

  /** Whether a value inside `sequence` is a reference. */
  wants(tag: number, sequence: number): boolean {
    this.#sequence = sequence;
    if (tag === STUDY || tag === SERIES) return true;
    return tag === INSTANCE && !NO_INSTANCES_IN.has(sequence);
  }

  take(tag: number, bytes: Buffer): void {
    const uid = trimEndPadding(bytes.toString('latin1')).trim();
    if (uid === '') return;
    if (tag === SERIES) this.#series.add(uid);
    else if (tag === STUDY || STUDIES_IN.has(this.#sequence)) this.#studies.add(uid);
    else this.#instances.add(uid);
  }

  /** The references. `undefined` when there are more than {@link MOST_REFERENCES}. */
  get found(): References | undefined {
    const { size } = this.#instances;
    if (size + this.#series.size + this.#studies.size > MOST_REFERENCES) return undefined;
    return { studies: this.#studies, series: this.#series, instances: this.#instances };
  }
}
