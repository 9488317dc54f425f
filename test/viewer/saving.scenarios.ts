import type { Browser, Locator, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NORTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { isLong } from '../support/long.form.ts';
import { button, measure } from './measuring.ts';
import type { RunningStack } from './running.stack.ts';
import { StackAdministrator, type StackPerson } from './stack.people.ts';
import { openStudy, PATIENCE, signIn, startVisit, type Visit } from './visits.ts';

const STUDY = NORTH_STUDY.studyUid;
const SCOPE = { kind: 'study', study_uid: STUDY };
const STORE = '**/dicom-web/studies';
const Found = z.array(z.looseObject({ '0020000E': z.looseObject({ Value: z.tuple([z.string()]) }) }));

const refusal = (page: Page): Locator => page.getByRole('alertdialog');
async function save(page: Page): Promise<void> {
  await button(page, 'Create SR').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
}

async function listed(page: Page): Promise<string[]> {
  return await page.locator('[data-cy="series-modality-label"]').allInnerTexts();
}

/**
 * Checks that the dialog about the refusal stays open, that the measurement still exists, and that the list is unchanged. Then closes the
 * dialog.
 */
async function expectRefused(page: Page, said: RegExp): Promise<void> {
  await expect.poll(() => refusal(page).innerText(), PATIENCE).toMatch(said);
  expect(await refusal(page).innerText()).toContain('still on the screen');
  expect(await page.evaluate('document.activeElement.closest("[role=alertdialog]") !== null')).toBe(true);
  expect(await page.getByText('Measurements (1)').count()).toBe(1);
  expect(await listed(page)).not.toContain('SR');
  expect(new URL(page.url()).pathname).toBe('/viewer/viewer');
  await page.keyboard.press('Escape');
  await refusal(page).waitFor({ state: 'hidden' });
}

/** The scenarios of a person who may annotate. The scenarios share one page, because opening a study is slow. */
export function registerSaving(shared: () => { stack: RunningStack; browser: Browser }): void {
  describe('a person who may annotate', () => {
    let administrator: StackAdministrator;
    let person: StackPerson;
    let annotating: string;
    let visit: Visit;
    let page: Page;

    beforeAll(async () => {
      const { stack, browser } = shared();
      administrator = await StackAdministrator.signIn(stack);
      person = await administrator.person({ rights: ['studies:read'], scope: SCOPE });
      annotating = await administrator.grant(person.groupId, { rights: ['studies:annotate'], scope: SCOPE });
      visit = await startVisit(browser, stack.web);
      ({ page } = visit);
    });
    afterAll(() => visit?.context.close());

    const reports = async () =>
      Found.parse(await administrator.get(`/dicom-web/studies/${STUDY}/series?Modality=SR`)).map(
        (series) => series['0020000E'].Value[0],
      );

    it('is offered to save', async () => {
      await openStudy(visit, person, STUDY);
      await measure(page);
      await button(page, 'Create SR').waitFor();
    });

    // The test replaces responses, because the running stack sends such responses only during a partial outage.
    const FAULTS: [string, (route: Route) => Promise<void>, RegExp][] = [
      ['the archive is away', (route) => route.fulfill({ status: 503 }), /archive does not answer/],
      ['the connection fails', (route) => route.abort(), /archive does not answer/],
      ['the archive is full', (route) => route.fulfill({ status: 409, body: failed(0xa700) }), /0xa700/],
      ['a part is refused', (route) => route.fulfill({ status: 202, body: failed(0x0110) }), /0x0110/],
    ];
    it('reads what was refused until that is closed, and keeps the measurement', async () => {
      for (const [, answer, said] of FAULTS) {
        await page.route(STORE, (route) =>
          route.request().method() === 'POST' ? answer(route) : route.continue(),
        );
        await save(page);
        await expectRefused(page, said);
        await page.unroute(STORE);
      }
    });

    if (isLong)
      it('reads that the session has ended, and goes on after signing in again in another tab', async () => {
        await page.context().clearCookies();
        await save(page);
        await expectRefused(page, /your session has ended/);
        // The measurement must also remain if an image cannot be loaded.
        await page.evaluate('window.config.httpErrorHandler({ status: 401 })');
        await save(page);
        await expect.poll(() => refusal(page).innerText(), PATIENCE).toMatch(/your session has ended/);
        const [tab] = await Promise.all([
          page.context().waitForEvent('page'),
          refusal(page).getByRole('link', { name: 'Sign in' }).click(),
        ]);
        await signIn(person, tab, tab.url());
        await tab.close();
        // A headless browser does not send focus events to a page.
        await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
        await expectRefused(page, /signed in again/);
      });

    it('reads that the right was taken away meanwhile, and is then no longer offered to save', async () => {
      await administrator.remove(`/api/groups/${person.groupId}/grants/${annotating}`);
      const own = `/api/me/studies/${STUDY}`;
      const rights = async () => await (await page.request.get(own)).text();
      await expect.poll(rights, PATIENCE).not.toContain('annotate');
      await save(page);
      await expectRefused(page, /you may not add to this study/);
      await button(page, 'Download SR').waitFor();
      await administrator.grant(person.groupId, { rights: ['studies:annotate'], scope: SCOPE });
      await expect.poll(rights, PATIENCE).toContain('annotate');
      await page.evaluate('window.radgate.askAgain()');
      await button(page, 'Create SR').waitFor();
    });

    it('sees the report in the list when it is in the archive', async () => {
      const before = await reports();
      await save(page);
      await expect.poll(() => listed(page), PATIENCE).toContain('SR');
      const added = (await reports()).filter((series) => !before.includes(series));
      expect(added).toHaveLength(1);
      expect(await refusal(page).count()).toBe(0);
      for (const series of added) await administrator.remove(`/dicom-web/studies/${STUDY}/series/${series}`);
    });
  });
}

/** A Store Instances Response with one failed instance (PS3.18 §10.5.3). */
function failed(reason: number): string {
  const item = { '00081197': { vr: 'US', Value: [reason] } };
  return JSON.stringify({ '00081198': { vr: 'SQ', Value: [item] } });
}
