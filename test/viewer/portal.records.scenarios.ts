import type { Browser } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { barriers, portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { PATIENCE, textOf } from './visits.ts';

const person = (reference: string, name: string, birth_date: string) => ({
  reference,
  names: [name],
  birth_date,
  gender: 'female',
  identifiers: [{ system: 'urn:example:mrn', value: 'P-1' }],
});
const REVIEW = {
  id: '00000000-0000-4000-8000-000000000001',
  state: 'open',
  differences: ['birth_date'],
  sides: {
    row: person('', '<b>Anna</b> Lima', '1950-02-03'),
    other: person('Patient/1', 'Anna Lima', '1952-02-03'),
    candidates: [
      person('Patient/1', 'Anna Lima', '1952-02-03'),
      person('Patient/2', 'Ana Lima', '1951-01-01'),
    ],
  },
  rows: [{ import_id: '00000000-0000-4000-8000-000000000002', row: 2 }],
  rows_waiting: 1,
  decision: null,
  chosen: null,
  decided_by: null,
  decided_at: null,
  created_at: '2026-11-30T09:00:00.000Z',
};

/** Registers the tests of the pages about identity reviews, with the running stack. */
export function registerPortalRecords(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  describe('the page of identity reviews', () => {
    it('leads from the menu to the open reviews', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        await page.getByRole('navigation').getByRole('link', { name: 'Reviews' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toContain('whether both are one person');
        await page.getByText('Decided', { exact: true }).click();
        await expect.poll(() => textOf(page), PATIENCE).toMatch(/No rows wait|Decision/);
        expect(await barriers(page)).toEqual([]);
        expect(faults).toEqual([]);
      }));

    // Reviews need a FHIR server, which the stack of the tests does not always have. So the test writes the answers.
    it('chooses one of several patients, and says why a decision was refused', () =>
      as(given().stack.admin, async ({ page }) => {
        await page.route('**/api/imports/reviews?*', (route) =>
          route.fulfill({ json: { items: [REVIEW], total: 1 } }),
        );
        await page.route('**/api/imports/reviews/*/decide', (route) =>
          route.fulfill({
            status: 409,
            contentType: 'application/problem+json',
            json: { code: 'conflict', detail: 'The review has another decision.' },
          }),
        );
        await page.goto('/reviews');
        await expect.poll(() => textOf(page), PATIENCE).toContain('<b>Anna</b> Lima');
        await page.getByRole('button', { name: 'Same person' }).click();
        const decide = page.getByRole('button', { name: 'Same person' });
        expect(await decide.isDisabled()).toBe(true);
        await page.getByLabel('Ana Lima (Patient/2)').check();
        expect(await barriers(page)).toEqual([]);
        const sent = page.waitForRequest('**/decide');
        await decide.click();
        expect((await sent).postDataJSON()).toEqual({ decision: 'same', candidate: 'Patient/2' });
        await expect.poll(() => textOf(page), PATIENCE).toContain('conflict');
      }));
  });
}
