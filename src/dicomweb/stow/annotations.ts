import type { InstanceFacts } from '../../catalog/instance.facts.js';

/** The SOP classes that `studies:annotate` may store, by modality (PS3.4 §B.5). */
const ANNOTATIONS: Readonly<Record<string, RegExp>> = {
  SR: /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.\d+$/,
  KO: /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.59$/,
  PR: /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.11\.\d+$/,
  SEG: /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.[457]$/,
  RTSTRUCT: /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.481\.3$/,
};

/**
 * Whether the instance is a report, key object selection, presentation state, segmentation or structure set. Both the SOP class and the
 * modality must show this.
 */
export function isAnnotation({ modality, sopClassUid }: InstanceFacts): boolean {
  return Object.hasOwn(ANNOTATIONS, modality) && ANNOTATIONS[modality]?.test(sopClassUid) === true;
}

/** SOP classes of services, directories and print jobs. They have no instances that can be stored (PS3.6 table A-1). */
const NOT_STORED =
  /^1\.2\.840\.10008\.(1\.1|1\.3\.10|1\.20\.\d+|3\.1\.[\d.]+|4\.2|5\.1\.1\.(?!27$|29$|30$)[\d.]+|5\.1\.4\.1\.2\.[\d.]+|5\.1\.4\.3[123](\.\d+)*|5\.1\.4\.37\.\d+)$/;

/** Whether instances of this SOP class can be stored. This includes private SOP classes. */
export function isStorageClass(sopClassUid: string): boolean {
  return /^[0-9.]{3,64}$/.test(sopClassUid) && !NOT_STORED.test(sopClassUid);
}
