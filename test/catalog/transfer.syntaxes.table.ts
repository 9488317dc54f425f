import { TransferSyntax } from '../../infra/demo/dicom.elements.ts';

const ROOT = '1.2.840.10008.1.2';

/** Current and retired transfer syntaxes of PS3.6 table A-1 (2025c) that STOW stores. */
const STANDARD = [
  TransferSyntax.implicitLittle,
  TransferSyntax.explicitLittle,
  `${ROOT}.1.98`,
  TransferSyntax.deflated,
  TransferSyntax.explicitBig,
  // JPEG, including the processes retired in 2003 (.52 to .56, .58 to .66).
  ...Array.from({ length: 17 }, (_, at) => `${ROOT}.4.${50 + at}`),
  `${ROOT}.4.70`,
  // JPEG-LS, JPEG 2000, JPIP by reference.
  ...[80, 81, 90, 91, 92, 93, 94].map((number) => `${ROOT}.4.${number}`),
  // Video, and fragmentable video.
  ...[100, 101, 102, 103, 104, 105, 106, 107, 108].map((number) => `${ROOT}.4.${number}`),
  ...[100, 101, 102, 103, 104, 105, 106].map((number) => `${ROOT}.4.${number}.1`),
  // JPEG XL, HTJ2K, HTJ2K by JPIP reference.
  ...[110, 111, 112, 201, 202, 203, 204].map((number) => `${ROOT}.4.${number}`),
  TransferSyntax.rle,
  // Frames that are deflated separately.
  `${ROOT}.8.1`,
];

/**
 * Transfer syntaxes whose UIDs begin with 1.2.840.10008.1.2.4 but are not listed in PS3.6. Their data sets are Explicit VR Little Endian.
 */
const UNKNOWN = [`${ROOT}.4.67`, `${ROOT}.4.99`, `${ROOT}.4.113`, `${ROOT}.4.206`];

/** Transfer syntaxes that STOW stores. */
export const STORED: readonly string[] = [...STANDARD, ...UNKNOWN];

/** The sample of {@link STORED} that `npm test` uses: one or two transfer syntaxes of each kind. */
export const OF_EACH_KIND: readonly string[] = [
  TransferSyntax.implicitLittle,
  TransferSyntax.explicitLittle,
  TransferSyntax.deflated,
  TransferSyntax.explicitBig,
  // JPEG (one current and one retired process), JPEG-LS, JPEG 2000, JPIP by reference, video, fragmentable video, and HTJ2K.
  ...['50', '54', '80', '90', '94', '100', '102.1', '201'].map((number) => `${ROOT}.4.${number}`),
  TransferSyntax.rle,
  `${ROOT}.8.1`,
  `${ROOT}.4.99`,
];

/** Transfer syntaxes that STOW refuses at once with 0xC122, because the encoding of the data set is unsupported or unknown. */
export const REFUSED: readonly string[] = [
  // JPIP deflated, and HTJ2K by JPIP deflated.
  `${ROOT}.4.95`,
  `${ROOT}.4.205`,
  // RFC 2557 MIME encapsulation and XML encoding, which are both retired.
  `${ROOT}.6.1`,
  `${ROOT}.6.2`,
  // SMPTE ST 2110: real-time streams, not files.
  `${ROOT}.7.1`,
  `${ROOT}.7.2`,
  `${ROOT}.7.3`,
  // Papyrus 3 (retired), a private UID and an unassigned UID.
  '1.2.840.10008.1.20',
  '1.2.840.113619.5.2',
  '1.3.46.670589.33.1.4.1',
  `${ROOT}.9`,
  `${ROOT}.4.100.2`,
  `${ROOT}.4.107.1`,
  '2.25.1',
];
