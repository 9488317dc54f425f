import type { Frame, Locator, Page } from 'playwright-core';

/** The button with exactly this name. */
export const button = (page: Page | Frame, name: string): Locator =>
  page.getByRole('button', { name, exact: true });

/**
 * Draws a length on the open image, tracks the series of the image, and opens the measurements panel. `viewer` is the page or the frame that
 * shows the viewer.
 */
export async function measure(page: Page, viewer: Page | Frame = page): Promise<void> {
  await viewer.getByText('Confirm and hide').click();
  await viewer.locator('[data-cy="MeasurementTools-split-button-primary"]').click();
  const box = await viewer.locator('canvas.cornerstone-canvas').boundingBox();
  if (box === null) throw new Error('there is no image');
  const at = (x: number, y: number): [number, number] => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.click(...at(0.45, 0.5));
  await page.mouse.move(...at(0.5, 0.5), { steps: 5 });
  await page.mouse.click(...at(0.6, 0.55));
  await viewer.getByRole('button', { name: 'Yes', exact: true }).click();
  await viewer.locator('[data-cy="trackedMeasurements-btn"]').click();
  await viewer.getByText('Measurements (1)').waitFor();
}
