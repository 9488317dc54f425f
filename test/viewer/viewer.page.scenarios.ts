import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NORTH_STUDY, SOUTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { button, measure } from './measuring.ts';
import type { RunningStack } from './running.stack.ts';
import { StackAdministrator, type StackPerson } from './stack.people.ts';
import { PATIENCE, signIn, textOf } from './visits.ts';

const STUDY = NORTH_STUDY.studyUid;
const Found = z.array(z.looseObject({ '0020000E': z.looseObject({ Value: z.tuple([z.string()]) }) }));

/** The frame of a page of the portal that shows the viewer. */
async function viewerOf(page: Page): Promise<Frame> {
  const element = await page.waitForSelector('iframe');
  const frame = await element.contentFrame();
  if (frame === null) throw new Error('The frame has no document.');
  return frame;
}

/** Registers the tests of the viewer inside the portal. They share one page, because opening a study is slow. */
export function registerViewerPage(given: () => { stack: RunningStack; browser: Browser }): void {
  describe('the viewer inside the portal', () => {
    let administrator: StackAdministrator;
    let person: StackPerson;
    let context: BrowserContext;
    let page: Page;
    let viewer: Frame;

    beforeAll(async () => {
      const { stack, browser } = given();
      administrator = await StackAdministrator.signIn(stack);
      person = await administrator.person({
        rights: ['studies:read', 'studies:annotate'],
        scope: { kind: 'study', study_uid: STUDY },
      });
      context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: stack.web, locale: 'en-GB' });
      page = await context.newPage();
      await signIn(person, page, '/login', '**/studies');
    });
    afterAll(() => context?.close());

    const reports = async () =>
      Found.parse(await administrator.get(`/dicom-web/studies/${STUDY}/series?Modality=SR`)).map(
        (series) => series['0020000E'].Value[0],
      );
    const back = () => button(page, 'Back').click();

    it('says the same about a study out of reach and about an unknown study', async () => {
      const seen: string[] = [];
      for (const study of [SOUTH_STUDY.studyUid, '1.2.3']) {
        await page.goto(`/view/${study}`);
        await expect.poll(() => textOf(page), PATIENCE).toContain('There is nothing here');
        expect(await page.locator('iframe').count()).toBe(0);
        seen.push(await textOf(page));
      }
      expect(seen[0]).toBe(seen[1]);
      await back();
    });

    it('opens a study with the own name above it, and closes it without losing the search', async () => {
      await page.goto('/studies');
      await page.getByRole('searchbox').fill('phantom');
      await page.locator('[data-row] a').first().click();
      await page.getByRole('link', { name: 'Open in the viewer' }).click();
      await page.waitForURL(`**/view/${STUDY}`);
      viewer = await viewerOf(page);
      await viewer.locator('canvas.cornerstone-canvas').waitFor(PATIENCE);
      expect(await page.getByRole('banner').first().innerText()).toContain(person.username);
      // Volumes need shared memory, which browsers give to isolated pages only.
      expect(await viewer.evaluate('crossOriginIsolated')).toBe(true);
      await back();
      await page.waitForURL(`**/studies/${STUDY}`);
      expect(await page.getByRole('searchbox').inputValue()).toBe('phantom');
    });

    it('asks for the password above the viewer, and keeps what was measured', async () => {
      await page.getByRole('link', { name: 'Open in the viewer' }).click();
      viewer = await viewerOf(page);
      await viewer.locator('canvas.cornerstone-canvas').waitFor(PATIENCE);
      await measure(page, viewer);
      await context.clearCookies();
      await button(viewer, 'Create SR').click();
      await viewer.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Password', { exact: true }).fill(person.password);
      await page.keyboard.press('Enter');
      await dialog.waitFor({ state: 'hidden' });
      await expect
        .poll(() => viewer.getByRole('alertdialog').innerText(), PATIENCE)
        .toContain('You are signed in again');
      await button(viewer, 'Close').click();
      expect(await viewer.getByText('Measurements (1)').count()).toBe(1);
    });

    it('asks before an unsaved measurement is lost, and not after it was saved', async () => {
      await back();
      await page.getByRole('dialog').getByText('will be lost').waitFor();
      await button(page, 'Stay in the viewer').click();
      const before = await reports();
      await button(viewer, 'Create SR').click();
      await viewer.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
      await expect.poll(async () => (await reports()).length, PATIENCE).toBe(before.length + 1);
      await expect.poll(() => viewer.evaluate('window.radgate.isUnsaved()'), PATIENCE).toBe(false);
      await back();
      await page.waitForURL('**/studies/*');
      for (const series of await reports())
        if (!before.includes(series))
          await administrator.remove(`/dicom-web/studies/${STUDY}/series/${series}`);
    });
  });
}
