/** Tags of an instance. Each key has the form `gggg,eeee`. */
type Tags = Readonly<Record<string, unknown>>;

const GREY = new Set(['MONOCHROME1', 'MONOCHROME2', 'PALETTE COLOR']);
const COLOUR = new Set(['RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_RCT', 'YBR_ICT']);
/** Multi-frame Secondary Capture: each SOP class prescribes its pixel format (PS3.3 §A.8). */
const MULTI_FRAME_CAPTURE = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7\.[1-4]$/;

/**
 * Whether Orthanc can decode these pixels safely. When the pixel format does not match the SOP class, an assertion in the decoder (GDCM in
 * Orthanc 1.12.7) ends the whole Orthanc process. So only formats that were tested are allowed.
 */
export function mayBeDecoded(sopClassUid: string, tags: Tags): boolean {
  const text = (tag: string) => (typeof tags[tag] === 'string' ? tags[tag].trim() : '');
  const photometric = text('0028,0004');
  const isColour = COLOUR.has(photometric);
  if (!isColour && !GREY.has(photometric)) return false;
  if (text('0028,0002') !== (isColour ? '3' : '1')) return false;
  const [allocated, stored, high] = ['0028,0100', '0028,0101', '0028,0102'].map((tag) => Number(text(tag)));
  if (allocated !== 8 && allocated !== 16) return false;
  if (stored === undefined || stored < 1 || stored > allocated || high !== stored - 1) return false;
  if (isColour && allocated !== 8) return false;
  const isUnsigned = text('0028,0103') === '0';
  const isRescaled = !is(text('0028,1052'), 0) || !is(text('0028,1053'), 1);
  if (isColour) return isUnsigned && !isRescaled;
  if (!MULTI_FRAME_CAPTURE.test(sopClassUid)) return true;
  return isUnsigned && !isRescaled && photometric === 'MONOCHROME2';
}

function is(text: string, value: number): boolean {
  return text === '' || Number(text) === value;
}
