import { PDFiumLibrary } from '@hyzyla/pdfium';
import { wasmInstance, wasmModule } from '../codecs/wasm.codec.js';
import type { RenderedFrame } from '../frame.renderer.js';
import { PixelsRefused } from '../pixels.refused.js';
import type { PictureSize } from '../viewport.js';

const WASM = '@hyzyla/pdfium/pdfium.wasm';
/** Bytes of a pixel that PDFium writes: red, green, blue and alpha. */
const PIXEL_BYTES = 4;

/**
 * Renders the first page of a PDF document, as large as it fits into `box`. PDFium runs in a fresh instance with bounded memory, without files and
 * network. The library has no interpreter for scripts. Throws `PixelsRefused` when the document is broken or encrypted.
 */
export async function renderPage(document: Uint8Array, box: PictureSize): Promise<RenderedFrame> {
  const library = await PDFiumLibrary.init({
    instantiateWasm: (imports, receive) => {
      const instance = wasmInstance(wasmModule(WASM), imports);
      receive(instance);
      return instance.exports;
    },
  });
  try {
    const opened = await library.loadDocument(document);
    const page = opened.getPage(0);
    const { originalWidth, originalHeight } = page.getOriginalSize();
    const scale = Math.min(box.width / originalWidth, box.height / originalHeight);
    if (!(scale > 0 && Number.isFinite(scale))) throw new PixelsRefused('its first page has no size');
    const width = Math.min(box.width, Math.max(1, Math.round(originalWidth * scale)));
    const height = Math.min(box.height, Math.max(1, Math.round(originalHeight * scale)));
    const { data } = await page.render({ width, height, scale: 1, render: unchanged });
    if (data.length !== width * height * PIXEL_BYTES) throw new PixelsRefused('its first page is broken');
    return { width, height, channels: 3, samples: withoutAlpha(data) };
  } catch (error) {
    // PDFium reports a fault of the document as an error. A trap ends the worker.
    if (error instanceof Error && error.name === 'Error')
      throw new PixelsRefused('its document is broken or encrypted');
    throw error;
  }
}

function unchanged({ data }: { readonly data: Uint8Array }): Promise<Uint8Array> {
  return Promise.resolve(data);
}

function withoutAlpha(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const samples = new Uint8Array((pixels.length / PIXEL_BYTES) * 3);
  for (let from = 0, to = 0; from < pixels.length; from += PIXEL_BYTES, to += 3) {
    samples[to] = pixels[from] ?? 0;
    samples[to + 1] = pixels[from + 1] ?? 0;
    samples[to + 2] = pixels[from + 2] ?? 0;
  }
  return samples;
}
