import type { Codec } from '../dicom/transfer.syntaxes.js';
import { convertColours } from './colours/colour.conversion.js';
import { renderColour, renderGreyColours, renderPalette, renderSupplement } from './colour.renderer.js';
import { type DecodedFrame, decodeFrame } from './frame.decoder.js';
import { renderGrey } from './grey.renderer.js';
import { drawOverlays } from './marks/overlay.drawing.js';
import { drawShutters } from './marks/shutter.drawing.js';
import { frameBits, isColour, type PixelFormat } from './pixel.format.js';
import { PixelsRefused } from './pixels.refused.js';
import type { Presentation } from './presentation.js';
import { isGrey } from './states/state.colours.js';
import { wordReader } from './stored.samples.js';
import { WHITE } from './voi.functions.js';

/** A frame as it is stored. `codec`: its compression. Uncompressed frames are in little endian. `firstBit`: see `wordsOfFrame`. */
export interface StoredFrame {
  readonly format: PixelFormat;
  readonly codec: Codec | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly firstBit: number;
  /** How often the size of a rendered frame may be halved, if its codec can do it. */
  readonly halvings?: number;
}

/** A rendered frame with 8 bits per sample: grey (1 channel), or red, green and blue (3 channels). */
export interface RenderedFrame {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly samples: Uint8Array<ArrayBuffer>;
}

/** Decodes a compressed frame. Throws `PixelsRefused` when the number of bytes is not the size of the frame. */
export async function decoded(
  { format, codec, bytes, firstBit }: StoredFrame,
  halvings = 0,
): Promise<DecodedFrame> {
  const frame = codec === undefined ? { format, bytes } : await decodeFrame(codec, format, bytes, halvings);
  if (frame.bytes.length !== Math.ceil((firstBit + frameBits(frame.format)) / 8))
    throw new PixelsRefused('the frame is not as long as its header says');
  return frame;
}

/** Renders a frame. Throws `PixelsRefused`. */
export async function renderFrame(stored: StoredFrame, presentation: Presentation): Promise<RenderedFrame> {
  const { format, bytes } = await decoded(stored, stored.halvings);
  const { firstBit } = stored;
  const { overlays = [], colours, shutters } = presentation;
  const pixels = pixelsOf(format, presentation, bytes, firstBit);
  const needsColours = colours !== undefined || (shutters !== undefined && !isGrey(shutters.colour));
  const rendered = needsColours ? asColours(pixels) : pixels;
  if (colours !== undefined) convertColours(rendered.samples, colours);
  if (shutters !== undefined) drawShutters(rendered, shutters);
  if (overlays.length > 0) drawOverlays(rendered, overlays, wordReader(format, bytes), WHITE);
  return rendered;
}

/** The frame as red, green and blue. */
function asColours(frame: RenderedFrame): RenderedFrame {
  if (frame.channels === 3) return frame;
  const samples = new Uint8Array(frame.samples.length * 3);
  frame.samples.forEach((sample, at) => samples.fill(sample, at * 3, at * 3 + 3));
  return { ...frame, channels: 3, samples };
}

function pixelsOf(
  format: PixelFormat,
  presentation: Presentation,
  bytes: Uint8Array,
  firstBit: number,
): RenderedFrame {
  const size = { width: format.columns, height: format.rows };
  const { palette, supplement, greyColours } = presentation;
  if (!isColour(format)) {
    const grey = renderGrey(format, presentation, bytes, firstBit);
    if (greyColours !== undefined)
      return { ...size, channels: 3, samples: renderGreyColours(greyColours, grey) };
    if (supplement === undefined) return { ...size, channels: 1, samples: grey };
    return { ...size, channels: 3, samples: renderSupplement(format, supplement, bytes, firstBit, grey) };
  }
  const samples =
    palette === undefined ? renderColour(format, bytes) : renderPalette(format, palette, bytes, firstBit);
  return { ...size, channels: 3, samples };
}
