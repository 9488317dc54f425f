import type { RenderedFrame } from './frame.renderer.js';
import type { PictureGeometry } from './viewport.js';

/** How to encode a picture. `quality`: of a JPEG, from 1 to 100. */
export interface PictureForm {
  readonly type: 'image/jpeg' | 'image/png';
  readonly quality?: number | undefined;
}

const DEFAULT_QUALITY = 90;
/** The fastest levels give larger files. Higher levels are slow, and the files are hardly smaller. */
const PNG_LEVEL = 3;

let opened: Promise<Encoder> | undefined;
type Encoder = typeof import('sharp');

/** Encodes a part of a rendered frame as a JPEG or PNG with 8 bits per sample. The threads of libuv do the work. */
export async function encodePicture(
  frame: RenderedFrame,
  geometry: PictureGeometry,
  form: PictureForm,
): Promise<Buffer> {
  opened ??= open();
  const sharp = (await opened).default;
  const { width, height, channels } = frame;
  const image = sharp(frame.samples, { raw: { width, height, channels } });
  const isGrey = channels === 1;
  // Without this call, the encoder writes grey pixels as colours.
  const raw = isGrey ? image.toColourspace('b-w') : image;
  const { region, size, isMirrored, isUpsideDown } = geometry;
  const isWhole = region.width === width && region.height === height;
  const cut = isWhole ? raw : raw.extract(region);
  const isSame = region.width === size.width && region.height === size.height;
  const scaled = isSame ? cut : cut.resize({ ...size, fit: 'fill' });
  const sized = scaled.flip(isUpsideDown).flop(isMirrored);
  if (form.type === 'image/png') return sized.png({ compressionLevel: PNG_LEVEL }).toBuffer();
  const quality = form.quality ?? DEFAULT_QUALITY;
  return sized.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** Loads the encoder on first use, because it needs much memory. It reads only pixels: all image files are blocked. */
async function open(): Promise<Encoder> {
  const encoder = await import('sharp');
  encoder.default.block({ operation: ['VipsForeignLoad'] });
  encoder.default.cache(false);
  encoder.default.concurrency(1);
  return encoder;
}
