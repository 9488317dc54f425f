import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NORTH_STUDY, SOUTH_STUDY, THORAX_SERIES_UID } from '../../infra/demo/demo.objects.ts';
import { launchBrowser } from '../support/browser.ts';
import { isLong } from '../support/long.form.ts';
import type { StackProcess } from '../support/stack.process.ts';
import { provideStack } from '../support/stack.ts';
import { barriers } from './portal.visits.ts';
import { type RunningStack, StackFile } from './running.stack.ts';
import { registerPortalDocs } from './portal.docs.scenarios.ts';
import { registerPortalList } from './portal.list.scenarios.ts';
import { registerPortalRecords } from './portal.records.scenarios.ts';
import { registerPortalFactors } from './portal.factors.scenarios.ts';
import { registerPortal } from './portal.scenarios.ts';
import { registerPortalUpload } from './portal.upload.scenarios.ts';
import { registerStudy } from './study.scenarios.ts';
import { registerTour } from './tour.scenarios.ts';
import { registerViewerPage } from './viewer.page.scenarios.ts';
import {
  openStudy,
  PATIENCE,
  signIn,
  startAgain,
  startVisit,
  studyAddress,
  textOf,
  type Visit,
} from './visits.ts';

const NORTH = 'Radiology North';
const SOUTH = 'Radiology South';

let stack: StackProcess<RunningStack>;
let browser: Browser;
let visited: Visit;

beforeAll(async () => {
  [stack, browser] = await Promise.all([provideStack(StackFile), launchBrowser()]);
  visited = await startVisit(browser, stack.facts.web);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A new visit on the page that the tests share. */
async function visit(): Promise<Visit> {
  await startAgain(visited);
  return visited;
}

/** Runs a test with a browser profile of its own. */
async function apart(test: (visit: Visit) => Promise<void>): Promise<void> {
  const visit = await startVisit(browser, stack.facts.web);
  try {
    await test(visit);
  } finally {
    await visit.context.close();
  }
}

/** The demo person who is only in this group. */
function personOf(group: string) {
  const person = stack.facts.people.find((each) => each.group === group);
  if (!person) throw new Error(`the demo has nobody in ${group} alone`);
  return person;
}

const signInAs = (group: string, page: Page, address?: string) => signIn(personOf(group), page, address);

const said = (page: Page) => page.getByRole('alert').innerText();

async function tryToSignIn(page: Page): Promise<void> {
  await page.getByLabel('Username').fill('nobody');
  await page.getByLabel('Password', { exact: true }).fill('a wrong password');
  await page.keyboard.press('Enter');
}

describe('a member of group one', () => {
  it('sees in the list the studies of the group and no other', async () => {
    const { page, faults } = await visit();
    await signInAs(NORTH, page);
    await expect.poll(() => textOf(page), PATIENCE).toContain(NORTH_STUDY.description);
    expect(await textOf(page)).not.toContain(SOUTH_STUDY.description);
    expect(faults).toEqual([]);
  });

  // On the page of the test before.
  it('signs out at the page and sees nothing any more', async () => {
    const { page } = visited;
    await page.goto('/login');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect.poll(() => textOf(page), PATIENCE).toContain('You are signed out.');
    expect((await page.request.get('/dicom-web/studies')).status()).toBe(401);
  });

  // In `npm test`, test/dicomweb/rendered.test.ts checks the PDF itself.
  if (isLong)
    it('reads the report, which the browser gets as PDF', () =>
      apart(async (own) => {
        const { page, faults } = own;
        // The viewer fails if another object is opened while the viewer still loads the CT.
        await openStudy(own, personOf(NORTH), NORTH_STUDY.studyUid);
        const rendered = page.waitForResponse((response) => response.url().endsWith('/rendered'));
        await page.getByText('Confirm and hide').click();
        await page.getByText('Radiology report (sample)').dblclick();
        const report = await rendered;
        expect(report.status()).toBe(200);
        expect(report.headers()['content-type']).toBe('application/pdf');
        await expect.poll(() => page.locator('object[type="application/pdf"]').count(), PATIENCE).toBe(1);
        expect(faults).toEqual([]);
      }));

  if (isLong)
    it('is asked to sign in again when the session is over, and comes back to the study', async () => {
      const { page } = await visit();
      await signInAs(NORTH, page);
      await page.context().clearCookies();
      await page.goto(studyAddress(NORTH_STUDY.studyUid));
      await page.waitForURL('**/login?next=*');
      expect(new URL(page.url()).searchParams.get('next')).toBe(studyAddress(NORTH_STUDY.studyUid));
    });
});

describe('a member of group two', () => {
  if (isLong)
    it('has a list without the studies of group one', async () => {
      const { page } = await visit();
      await signInAs(SOUTH, page);
      await expect.poll(() => textOf(page), PATIENCE).toContain(SOUTH_STUDY.description);
      expect(await textOf(page)).not.toContain(NORTH_STUDY.description);
    });

  it("gets nothing at the address of group one's study", async () => {
    const { page, answers } = await visit();
    await signInAs(SOUTH, page, `/login?next=${encodeURIComponent(studyAddress(NORTH_STUDY.studyUid))}`);
    await page.waitForURL('**/notfoundstudy');
    await expect.poll(() => answers.length, PATIENCE).toBeGreaterThan(0);
    expect(await page.locator('canvas.cornerstone-canvas').count()).toBe(0);
    const opened = answers.filter(
      (answer) => answer.startsWith('2') && answer.includes(NORTH_STUDY.studyUid),
    );
    expect(opened).toEqual([]);

    const study = `/dicom-web/studies/${NORTH_STUDY.studyUid}`;
    for (const path of [study, `${study}/metadata`, `${study}/series/${THORAX_SERIES_UID}/metadata`]) {
      const status = await page.evaluate(`fetch(${JSON.stringify(path)}).then((answer) => answer.status)`);
      expect(z.number().parse(status)).toBe(404);
    }
  });
});

it('asks who somebody is before it shows a list', async () => {
  const { page } = await visit();
  await page.goto('/viewer/');
  await page.waitForURL('**/login?next=*');
  expect(new URL(page.url()).searchParams.get('next')).toBe('/viewer/');
});

describe('the sign-in page', () => {
  it('says when the password is wrong, and keeps the username', async () => {
    const { page, faults } = await visit();
    await page.goto('/login');
    await tryToSignIn(page);
    await expect.poll(() => said(page), PATIENCE).toMatch(/is wrong/);
    expect(await page.getByLabel('Username').inputValue()).toBe('nobody');
    expect(faults).toEqual([]);
  });

  // The test replaces responses, because the running stack sends such responses only during an attack or a partial outage.
  it('says how long to wait after too many attempts, and when the wait is over', async () => {
    const { page } = await visit();
    await page.route('**/api/auth/login', (route) =>
      route.fulfill({ status: 429, headers: { 'retry-after': '2' } }),
    );
    await page.goto('/login');
    await tryToSignIn(page);
    await expect.poll(() => said(page), PATIENCE).toBe('Too many attempts. Try again in 2 seconds.');
    await expect.poll(() => said(page), PATIENCE).toBe('You can try again now.');
  });

  it('says that the server is away and takes no session for granted', async () => {
    const { page } = await visit();
    await page.route('**/api/**', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '5' } }));
    await page.goto('/login');
    await expect.poll(() => said(page), PATIENCE).toMatch(/does not answer/);
    await tryToSignIn(page);
    await expect.poll(() => said(page), PATIENCE).toMatch(/your entries are kept/);
    expect(new URL(page.url()).pathname).toBe('/login');
  });

  it('fits a narrow screen in each language, and says there that the password is wrong', async () => {
    const { page, faults } = await visit();
    await page.setViewportSize({ width: 320, height: 568 });
    await page.goto('/login');
    for (const [language, code, wrong] of [
      ['Português', 'pt', 'está errado'],
      ['Français', 'fr', 'est faux'],
      ['Deutsch', 'de', 'ist falsch'],
      ['English', 'en', 'is wrong'],
    ] as const) {
      await page.getByRole('button', { name: language }).click();
      await expect.poll(() => page.evaluate('document.documentElement.lang')).toBe(code);
      await page.locator('#username').fill('nobody');
      await page.locator('#password').fill('a wrong password');
      await page.keyboard.press('Enter');
      await expect.poll(() => said(page), PATIENCE).toContain(wrong);
      expect(await page.evaluate('document.documentElement.scrollWidth'), language).toBe(320);
      expect(await barriers(page)).toEqual([]);
    }
    expect(faults).toEqual([]);
  });

  it("begins in the browser's language, and the pages follow the choice made there", async () => {
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      baseURL: stack.facts.web,
      locale: 'pt-BR',
    });
    const page = await context.newPage();
    await page.goto('/login');
    await page.getByRole('button', { name: 'Entrar', exact: true }).waitFor();
    expect(await page.title()).toBe('Entrar · Radgate');
    await page.getByRole('button', { name: 'Deutsch' }).click();
    await page.getByLabel('Benutzername').fill(personOf(NORTH).username);
    await page.getByLabel('Passwort', { exact: true }).fill(personOf(NORTH).password);
    await page.getByRole('button', { name: 'Anmelden' }).click();
    await expect.poll(() => textOf(page), PATIENCE).toContain('Studiendatum');
    await context.close();
  });
});

registerPortalRecords(() => ({ stack: stack.facts, browser }));
registerPortalList(() => ({ stack: stack.facts, browser }));
registerPortalDocs(() => ({ stack: stack.facts, browser }));
registerPortal(() => ({ stack: stack.facts, browser }));
registerPortalUpload(() => ({ stack: stack.facts, browser }));
registerPortalFactors(() => ({ stack: stack.facts, browser }));
if (isLong) registerTour(() => ({ stack: stack.facts, browser }));
registerViewerPage(() => ({ stack: stack.facts, browser }));
registerStudy(() => ({ stack: stack.facts, browser, visit: visited }));
