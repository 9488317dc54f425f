/** Why a copy is not handed out without a person's release. */
export type HeldBackReason =
  'photograph' | 'face' | 'burned-in' | 'document' | 'graphics' | 'report' | 'video' | 'unknown-object';

/** What is known about an instance before its pixels. Texts are without padding. */
export interface Appearance {
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  readonly imageType: readonly string[];
  readonly bodyPart: string;
  readonly burnedIn: string;
  readonly recognizable: string;
  readonly hasOverlays: boolean;
}

const STORAGE = '1.2.840.10008.5.1.4.1.1.';
/** Images of a cut through the body. A face can be rebuilt from the images of a head (PS3.15 §E.3.2). */
const SECTIONAL = kinds('2', '2.1', '2.2', '4', '4.1', '4.3', '4.4', '128', '128.1', '130');
/** Images that equipment makes without burned-in text, if they are original and primary. */
const PLAIN = kinds(
  '1',
  '1.1',
  '1.1.1',
  '1.2',
  '1.2.1',
  '1.3',
  '1.3.1',
  '2',
  '2.1',
  '2.2',
  '4',
  '4.1',
  '4.3',
  '4.4',
  '20',
  '128',
  '128.1',
  '130',
);
/** Objects without pixels that show a picture: doses, segmentations, plans and structures of radiotherapy, parametric maps. */
const DERIVED = kinds('30', '66.4', '66.7', '481.2', '481.3', '481.5');
/** Body parts (PS3.16 Annex L) that are far from the face. Their images show no face. */
const FACELESS = new Set(
  'ABDOMEN ANKLE ARM BREAST CALF CHEST ELBOW EXTREMITY FINGER FOOT FOREARM HAND HEART HIP KIDNEY KNEE LEG LIVER LSPINE LUNG PANCREAS PELVIS PROSTATE SHOULDER SPLEEN THIGH THUMB TOE TSPINE UTERUS WRIST'.split(
    ' ',
  ),
);

/** Returns all reasons to hold an instance back. Empty when a copy may be handed out. What is not known is held back. */
export function heldBackReasons(it: Appearance): readonly HeldBackReason[] {
  const found: readonly (readonly [HeldBackReason, boolean])[] = [
    ['photograph', it.sopClassUid.startsWith(`${STORAGE}77.1.`)],
    ['document', it.sopClassUid.startsWith(`${STORAGE}104.`)],
    ['report', it.sopClassUid.startsWith(`${STORAGE}88.`)],
    ['video', /^1\.2\.840\.10008\.1\.2\.4\.10[0-8]/.test(it.transferSyntax)],
    ['graphics', it.hasOverlays || it.sopClassUid.startsWith(`${STORAGE}11.`)],
    ['face', SECTIONAL.has(it.sopClassUid) && (it.recognizable === 'YES' || mayShowFace(it))],
    ['burned-in', mayHaveText(it)],
  ];
  const reasons = found.filter(([, holds]) => holds).map(([reason]) => reason);
  const isKnown = PLAIN.has(it.sopClassUid) || DERIVED.has(it.sopClassUid) || it.burnedIn === 'NO';
  return reasons.length === 0 && !isKnown ? ['unknown-object'] : reasons;
}

function mayShowFace({ recognizable, bodyPart }: Appearance): boolean {
  return recognizable !== 'NO' && !FACELESS.has(bodyPart);
}

function mayHaveText({ burnedIn, sopClassUid, imageType: [origin, examination] }: Appearance): boolean {
  if (burnedIn === 'YES') return true;
  if (burnedIn === 'NO' || DERIVED.has(sopClassUid)) return false;
  return !(PLAIN.has(sopClassUid) && origin === 'ORIGINAL' && examination === 'PRIMARY');
}

function kinds(...ends: readonly string[]): ReadonlySet<string> {
  return new Set(ends.map((end) => `${STORAGE}${end}`));
}
