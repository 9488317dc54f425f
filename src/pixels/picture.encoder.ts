import type { RenderedFrame } from './frame.renderer.js';
import { withProfile } from './colours/profile.embedding.js';
import { type Captions, drawCaptions } from './marks/captions.js';
import type { PictureGeometry, PictureSize } from './viewport.js';

/** How to encode a picture. `quality`: of a JPEG or WebP, from 1 to 100. */
export interface PictureForm {
  readonly type: 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif';
  readonly quality?: number | undefined;
}

/** What a picture gets besides its pixels. `captions`: texts to draw into it. `profile`: an ICC profile; a GIF has none. */
export interface PictureExtras {
  readonly captions?: Captions | undefined;
  readonly profile?: Buffer | undefined;
}

/** A picture that is not encoded, with 8 bits per sample. */
export interface RawPicture extends PictureSize {
  readonly channels: 1 | 3;
  readonly samples: Buffer;
}

const DEFAULT_QUALITY = 90;
/** The fastest levels give larger files. Higher levels are slow, and the files are hardly smaller. */
const PNG_LEVEL = 3;
/** Without dithering, and with this effort, a grey picture keeps all its values in a GIF. */
const GIF = { dither: 0, effort: 7 };

let opened: Promise<Encoder> | undefined;
type Encoder = typeof import('sharp');
type Image = ReturnType<Encoder['default']>;

/**
 * Encodes a part of a rendered frame with 8 bits per sample. The threads of libuv do the work.
 */
export async function encodePicture(
  frame: RenderedFrame,
  geometry: PictureGeometry,
  form: PictureForm,
  { captions, profile }: PictureExtras = {},
): Promise<Buffer> {
  const image =
    captions === undefined
      ? await scaled(frame, geometry)
      : await imageOf(await scaledPicture(frame, geometry, captions));
  const picture = await written(image, form).toBuffer();
  return profile === undefined ? picture : withProfile(picture, form.type, profile);
}

/** Scales a part of a rendered frame. `captions`: texts to draw into the picture. */
export async function scaledPicture(
  frame: RenderedFrame,
  geometry: PictureGeometry,
  captions?: Captions,
): Promise<RawPicture> {
  const image = await scaled(frame, geometry);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const picture = { width: info.width, height: info.height, channels: frame.channels, samples: data };
  if (captions !== undefined) drawCaptions(picture, captions);
  return picture;
}

/**
 * Encodes pictures of one size as an animation that repeats. `delays`: how long each picture is shown, in milliseconds. `profile`: an ICC
 * profile for a WebP.
 */
export async function encodeAnimation(
  pictures: readonly RawPicture[],
  delays: readonly number[],
  { type, quality = DEFAULT_QUALITY }: PictureForm & { readonly type: 'image/gif' | 'image/webp' },
  profile?: Buffer,
): Promise<Buffer> {
  opened ??= open();
  const sharp = (await opened).default;
  const { width = 0, height = 0, channels = 1 } = pictures[0] ?? {};
  const samples = Buffer.concat(pictures.map((picture) => picture.samples));
  const raw = { width, height: height * pictures.length, channels, pageHeight: height };
  const image = sharp(samples, { raw, limitInputPixels: false });
  const times = { delay: [...delays], loop: 0 };
  if (type === 'image/gif') return image.gif({ ...GIF, ...times }).toBuffer();
  const animation = await image.webp({ quality, ...times }).toBuffer();
  return profile === undefined ? animation : withProfile(animation, type, profile);
}

/** The image of these samples. Grey samples stay grey. */
async function imageOf({ width, height, channels, samples }: RenderedFrame | RawPicture): Promise<Image> {
  opened ??= open();
  const sharp = (await opened).default;
  const image = sharp(samples, { raw: { width, height, channels } });
  // Without this call, the encoder writes grey pixels as colours.
  return channels === 1 ? image.toColourspace('b-w') : image;
}

/** The part of the frame in its size. */
async function scaled(
  frame: RenderedFrame,
  { region, size, isMirrored, isUpsideDown }: PictureGeometry,
): Promise<Image> {
  const { width, height } = frame;
  const raw = await imageOf(frame);
  const isWhole = region.width === width && region.height === height;
  const cut = isWhole ? raw : raw.extract(region);
  const isSame = region.width === size.width && region.height === size.height;
  const sized = isSame ? cut : cut.resize({ ...size, fit: 'fill' });
  return sized.flip(isUpsideDown).flop(isMirrored);
}

function written(image: Image, { type, quality = DEFAULT_QUALITY }: PictureForm): Image {
  if (type === 'image/png') return image.png({ compressionLevel: PNG_LEVEL });
  if (type === 'image/gif') return image.gif(GIF);
  return type === 'image/webp'
    ? image.webp({ quality })
    : image.jpeg({ quality, chromaSubsampling: '4:4:4' });
}

/** Loads the encoder on first use, because it needs much memory. It reads only pixels: all image files are blocked. */
async function open(): Promise<Encoder> {
  const encoder = await import('sharp');
  encoder.default.block({ operation: ['VipsForeignLoad'] });
  encoder.default.cache(false);
  encoder.default.concurrency(1);
  return encoder;
}
