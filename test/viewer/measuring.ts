import type { Locator, Page } from 'playwright-core';

/** The button with exactly this name. */
export const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

/** Draws a length on the open image, tracks the series of the image, and opens the measurements panel. */
export async function measure(page: Page): Promise<void> {
  await page.getByText('Confirm and hide').click();
  await page.locator('[data-cy="MeasurementTools-split-button-primary"]').click();
  const box = await page.locator('canvas.cornerstone-canvas').boundingBox();
  if (box === null) throw new Error('there is no image');
  const at = (x: number, y: number): [number, number] => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.click(...at(0.45, 0.5));
  await page.mouse.move(...at(0.5, 0.5), { steps: 5 });
  await page.mouse.click(...at(0.6, 0.55));
  await page.getByRole('button', { name: 'Yes', exact: true }).click();
  await page.locator('[data-cy="trackedMeasurements-btn"]').click();
  await page.getByText('Measurements (1)').waitFor();
}
