import type { Browser } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NORTH_STUDY, SOUTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { barriers, portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { PATIENCE, textOf } from './visits.ts';

/** Registers the tests of the list of studies, with the running stack. */
export function registerPortalList(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  describe('the list of studies', () => {
    it('sorts by a column, filters by a counted modality, and keeps the chosen columns', () =>
      as('All Radiology', async ({ page, faults }) => {
        const names = () => page.locator('[data-row] a').allInnerTexts();
        await expect.poll(async () => (await names()).length, PATIENCE).toBeGreaterThan(3);
        await page.getByRole('button', { name: 'Patient', exact: true }).click();
        await expect
          .poll(async () => (await names()).join('|'), PATIENCE)
          .toMatch(/Müller[^]*Phantom[^]*Yamada/);

        const modality = page.getByRole('button', { name: /^US\s*\d+$/ });
        const count = Number(/\d+/.exec(await modality.innerText())?.[0]);
        await modality.click();
        await expect.poll(async () => (await names()).length, PATIENCE).toBe(count);
        expect(await modality.getAttribute('aria-pressed')).toBe('true');

        await page.getByRole('button', { name: 'Columns' }).click();
        await page.getByRole('checkbox', { name: 'Patient ID' }).uncheck();
        await page.getByRole('button', { name: 'Show Modality earlier' }).click();
        expect(await barriers(page)).toEqual([]);
        await page.reload();
        await expect
          .poll(() => page.getByRole('columnheader').allInnerTexts(), PATIENCE)
          .toEqual([
            '',
            'Patient ↑',
            'Date of birth',
            'Modality',
            'Study date',
            'Description',
            'Accession',
            'Images',
          ]);
        const header = page.getByRole('columnheader', { name: 'Patient', exact: true });
        expect(await header.getAttribute('aria-sort')).toBe('ascending');
        expect(await page.evaluate('JSON.stringify(Object.entries(localStorage))')).not.toMatch(/Müller|RG-/);
        await modality.click();
        await expect.poll(() => textOf(page), PATIENCE).toContain('Yamada');
        expect(faults).toEqual([]);
      }));

    it('shows documents and reports inside a study, and the page of its patient', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        await page.goto(`/studies/${NORTH_STUDY.studyUid}`);
        const paper = page.getByRole('img', { name: /^First page/ });
        await paper.scrollIntoViewIfNeeded();
        const width = () => paper.evaluate((image) => Reflect.get(image, 'naturalWidth'));
        await expect.poll(width, PATIENCE).toBeGreaterThan(200);
        await page.getByRole('button', { name: 'Single images' }).click();
        await page.getByText('Image 1', { exact: true }).waitFor();
        await page.goto(`/studies/${SOUTH_STUDY.studyUid}`);
        const report = page.locator('iframe');
        await report.scrollIntoViewIfNeeded();
        expect(await report.getAttribute('sandbox')).toBe('');
        await report.contentFrame().getByRole('heading', { level: 1 }).waitFor();

        await page.getByRole('link', { name: 'Patient', exact: true }).click();
        await page.waitForURL(`**/studies/${SOUTH_STUDY.studyUid}/patient`);
        await expect
          .poll(() => textOf(page), PATIENCE)
          .toMatch(/Issuer of the ID[^]*Who has opened what[^]*admin/);
        expect(await barriers(page)).toEqual([]);
        expect(faults).toEqual([]);
      }));
  });
}
