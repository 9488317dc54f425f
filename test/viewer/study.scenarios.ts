import type { Browser, Locator, Page, Route } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { uidFor } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { NORTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { isLong } from '../support/long.form.ts';
import { button, measure } from './measuring.ts';
import type { RunningStack } from './running.stack.ts';
import { StackAdministrator, type StackPerson } from './stack.people.ts';
import {
  openStudy,
  PATIENCE,
  seeSlice,
  signIn,
  startAgain,
  startVisit,
  studyAddress,
  textOf,
  type Visit,
} from './visits.ts';

const STUDY = NORTH_STUDY.studyUid;
const SCOPE = { kind: 'study', study_uid: STUDY };
const STORE = '**/dicom-web/studies';
const Found = z.array(z.looseObject({ '0020000E': z.looseObject({ Value: z.tuple([z.string()]) }) }));

/** Another person with the same PatientID from another issuer. */
const NAMESAKE = {
  studyUid: uidFor('viewer test namesake study'),
  seriesUid: uidFor('viewer test namesake series'),
  sopUid: uidFor('viewer test namesake image'),
  patientId: NORTH_STUDY.patient.id,
  patientName: 'Other^Person',
  issuer: 'OTHER-ISSUER',
  studyDescription: 'Study of another person',
  studyDate: '20251224',
};

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

/**
 * The scenarios of an open study. They share one page, because opening a study is slow. The person may read every study. During the first
 * scenarios, the person may not annotate `STUDY`. After that, the person may.
 */
export function registerStudy(shared: () => { stack: RunningStack; browser: Browser; visit: Visit }): void {
  describe('an open study', () => {
    let administrator: StackAdministrator;
    let person: StackPerson;
    let page: Page;
    let first: number;
    beforeAll(async () => {
      const { stack, visit } = shared();
      ({ page } = visit);
      administrator = await StackAdministrator.signIn(stack);
      await administrator.store(makeInstance(NAMESAKE));
      person = await administrator.person(
        { rights: ['studies:read'], scope: { kind: 'all' } },
        { rights: ['studies:annotate'], scope: { kind: 'study', study_uid: NAMESAKE.studyUid } },
      );
      await startAgain(visit);
      await signIn(person, page, `/login?next=${encodeURIComponent(studyAddress(STUDY))}`);
    });

    const reports = async () =>
      Found.parse(await administrator.get(`/dicom-web/studies/${STUDY}/series?Modality=SR`)).map(
        (series) => series['0020000E'].Value[0],
      );
    const rights = async () => await (await page.request.get(`/api/me/studies/${STUDY}`)).text();
    /** Lets the person annotate `STUDY`. Returns the id of the grant. */
    const allow = async () => {
      const id = await administrator.grant(person.groupId, { rights: ['studies:annotate'], scope: SCOPE });
      await expect.poll(rights, PATIENCE).toContain('annotate');
      await page.evaluate('window.radgate.askAgain()');
      return id;
    };

    describe('a person who may only read', () => {
      it('sees the first image of the CT', async () => {
        first = await seeSlice(page, () => true);
      });

      it('sees the CT as it was stored, slice by slice', async () => {
        const { answers, faults } = shared().visit;
        await page.locator('canvas.cornerstone-canvas').hover();
        for (let notch = 0; notch < 10; notch += 1) await page.mouse.wheel(0, 100);
        await seeSlice(page, (index) => Math.abs(index - first) > 5);
        expect(answers.filter((answer) => !answer.startsWith('2'))).toEqual([]);
        expect(faults).toEqual([]);
      });

      it('sees beside a study nothing of another person with the same PatientID of another issuer', async () => {
        const { queries, faults } = shared().visit;
        // A search by PatientID finds the studies of both persons. Only the viewer distinguishes the two persons.
        const found = await page.request.get(`/dicom-web/studies?PatientID=${NAMESAKE.patientId}`);
        for (const uid of [NAMESAKE.studyUid, STUDY]) expect(await found.text()).toContain(uid);

        const list = page.locator('[data-cy="studyBrowser-panel"]');
        expect(await list.innerText()).toContain(NORTH_STUDY.description);
        for (const tab of ['Recent', 'All'])
          expect(await list.getByText(tab, { exact: true }).count()).toBe(0);
        expect(await textOf(page)).not.toContain(NAMESAKE.studyDescription);
        expect(queries.filter((query) => /PatientID|00100020/.test(query))).toEqual([]);
        expect(faults).toEqual([]);
      });

      if (isLong)
        it('is not offered to save: a report can be downloaded', async () => {
          const { browser, stack } = shared();
          const own = await startVisit(browser, stack.web);
          await openStudy(own, person, STUDY);
          await measure(own.page);
          await button(own.page, 'Download SR').click();
          const dialog = own.page.getByRole('dialog');
          await dialog.getByRole('button', { name: 'Download' }).waitFor();
          expect(await dialog.getByRole('button', { name: 'Save' }).count()).toBe(0);
          expect(await button(own.page, 'Create SR').count()).toBe(0);
          await own.context.close();
        });
    });

    describe('a person who may annotate', () => {
      let annotating: string;

      it('is offered to save', async () => {
        await measure(page);
        annotating = await allow();
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
        for (const [, answer, said] of FAULTS.filter((_, at) => isLong || at % 2 === 0)) {
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
        await expect.poll(rights, PATIENCE).not.toContain('annotate');
        await save(page);
        await expectRefused(page, /you may not add to this study/);
        await button(page, 'Download SR').waitFor();
        await allow();
        await button(page, 'Create SR').waitFor();
      });

      it('sees the report in the list when it is in the archive', async () => {
        const before = await reports();
        await save(page);
        await expect.poll(() => listed(page), PATIENCE).toContain('SR');
        const added = (await reports()).filter((series) => !before.includes(series));
        expect(added).toHaveLength(1);
        expect(await refusal(page).count()).toBe(0);
        for (const series of added)
          await administrator.remove(`/dicom-web/studies/${STUDY}/series/${series}`);
      });
    });
  });
}

/** A Store Instances Response with one failed instance (PS3.18 §10.5.3). */
function failed(reason: number): string {
  const item = { '00081197': { vr: 'US', Value: [reason] } };
  return JSON.stringify({ '00081198': { vr: 'SQ', Value: [item] } });
}
