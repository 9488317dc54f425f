import { describe, expect, it } from 'vitest';
import { TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { DicomUnreadable } from '../../src/dicom/dicom.unreadable.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { contradictions } from './contradictions.ts';
import { rendered, testFile } from './rendering.ts';

const bytes = Buffer.alloc(96, 9);

describe('pixels that contradict their header', () => {
  it.each(contradictions)('are refused before they are decoded: %s', async (_, image) => {
    await expect(rendered(testFile(image))).rejects.toBeInstanceOf(PixelsRefused);
  });

  it('claims of many pixels are refused at once, without memory for them', async () => {
    for (const side of [16_000, 65_535]) {
      const size = [element('00280010', 'US', [side]), element('00280011', 'US', [side])];
      const file = testFile({ bytes, extra: size });
      await rendered(file).catch(() => undefined);
      const [started, before] = [process.threadCpuUsage(), process.memoryUsage().arrayBuffers];
      await expect(rendered(file)).rejects.toBeInstanceOf(PixelsRefused);
      const { user, system } = process.threadCpuUsage(started);
      expect((user + system) / 1000).toBeLessThan(50);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
    }
  });

  it('a deflated header that inflates without limit is refused', async () => {
    const zeros = element('00091001', 'OB', Buffer.alloc(70 * 1024 * 1024));
    const file = testFile({ bytes, transferSyntax: TransferSyntax.deflated, extra: [zeros] });
    expect(file.length).toBeLessThan(200_000);
    await expect(rendered(file)).rejects.toMatchObject({ reason: 'too-large' });
  });

  it('a frame beyond the last one is refused', async () => {
    await expect(rendered(testFile({ bytes, frames: 2 }), 3)).rejects.toBeInstanceOf(PixelsRefused);
  });

  it('every truncated file is refused, or renders a frame that is complete', async () => {
    const whole = testFile({
      bytes,
      extra: [element('00281050', 'DS', '9'), element('00281051', 'DS', '3')],
    });
    for (let length = 0; length < whole.length; length += 1) {
      const outcome = await rendered(whole.subarray(0, length)).catch((error: unknown) => error);
      const isRefused = outcome instanceof PixelsRefused || outcome instanceof DicomUnreadable;
      expect([length, isRefused]).toEqual([length, true]);
    }
  });
});
