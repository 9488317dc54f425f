import type { Browser } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { barriers, portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { PATIENCE, textOf } from './visits.ts';

/** Registers the tests of the pages of the API, with the running stack. */
export function registerPortalDocs(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  describe('the page of the API', () => {
    it('finds a route and sends a request with the session of the person', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        await page.goto('/api/docs');
        await expect.poll(() => textOf(page), PATIENCE).toMatch(/Requests have the rights of \S+\./);
        await page.getByRole('searchbox').fill('post what-if');
        await expect.poll(() => page.locator('.opblock').count(), PATIENCE).toBe(1);
        await page.locator('.opblock-summary-control').click();
        await page.getByRole('button', { name: 'Try it out' }).click();
        const answered = page.waitForResponse('**/api/access/what-if');
        await page.getByRole('button', { name: 'Execute' }).click();
        // The token against forged requests is accepted. The example body is refused.
        expect((await answered).status()).toBe(422);
        expect(await barriers(page)).toEqual([]);
        expect(faults.filter((fault) => !fault.includes('422'))).toEqual([]);
      }));
  });
}
