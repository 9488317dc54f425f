import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { bestMatch, shownGreys } from './phantom.canvas.ts';

/** The time limit for loading and painting the viewer. */
export const PATIENCE = { timeout: 20_000 };

const VIEWPORT = { width: 1280, height: 800 };
const SLICE_SHOWN = /I:\s*(\d+) \(\d+\/60\)/;

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** Errors and refusals that the browser reported. */
  faults: string[];
  /** `status path` of every DICOMweb answer. */
  answers: string[];
  /** Query strings of every DICOMweb request. */
  queries: string[];
}

/** Opens a page in a new browser profile. Relative URLs are resolved against `web`. */
export async function startVisit(browser: Browser, web: string): Promise<Visit> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: VIEWPORT, baseURL: web });
  const page = await context.newPage();
  const visit: Visit = { context, page, faults: [], answers: [], queries: [] };
  page.on('pageerror', (error) => visit.faults.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|ERR_BLOCKED/.test(message.text())) visit.faults.push(message.text());
  });
  page.on('response', (response) => {
    const { pathname, search } = new URL(response.url());
    if (!pathname.startsWith('/dicom-web')) return;
    visit.answers.push(`${response.status()} ${pathname}`);
    visit.queries.push(search);
  });
  return visit;
}

/** Gives a page the state of a new visit. The page keeps its cache, so the viewer loads faster than in a new browser profile. */
export async function startAgain({ context, page, faults, answers, queries }: Visit): Promise<void> {
  await page.goto('about:blank');
  await page.unrouteAll();
  await page.setViewportSize(VIEWPORT);
  await context.clearCookies();
  for (const noted of [faults, answers, queries]) noted.length = 0;
}

/** Signs in at the sign-in page and waits for the viewer's list of studies or for the page that the address names. */
export async function signIn(
  person: { username: string; password: string },
  page: Page,
  address = '/login?next=/viewer/',
  arrives = '**/viewer/**',
): Promise<void> {
  await page.goto(address);
  // The page has the language of the browser, so its texts differ.
  await page.locator('#username').fill(person.username);
  await page.locator('#password').fill(person.password);
  await page.locator('#submit').click();
  await page.waitForURL(arrives);
}

export const studyAddress = (uid: string) => `/viewer/viewer?StudyInstanceUIDs=${uid}`;
export const textOf = (page: Page) => page.locator('body').innerText();

/**
 * Waits until the canvas shows the slice that the viewer's overlay names, and until `wanted` accepts this slice. Returns the index of the
 * slice.
 */
export async function seeSlice(page: Page, wanted: (index: number) => boolean): Promise<number> {
  let seen = Number.NaN;
  const claimedIsShown = async () => {
    const overlay = SLICE_SHOWN.exec((await textOf(page)).replaceAll(/\s+/g, ' '));
    const { index, likeness } = bestMatch(await shownGreys(page));
    seen = index;
    return { named: Number(overlay?.[1]) === index + 1, like: likeness > 0.95, wanted: wanted(index) };
  };
  // The viewer paints, changes its layout and paints again. Therefore all conditions must be true at the same time.
  await expect.poll(claimedIsShown, PATIENCE).toEqual({ named: true, like: true, wanted: true });
  return seen;
}

/** Signs in, opens the study and waits for its first image. */
export async function openStudy(
  visit: Visit,
  person: { username: string; password: string },
  study: string,
): Promise<number> {
  await signIn(person, visit.page, `/login?next=${encodeURIComponent(studyAddress(study))}`);
  return await seeSlice(visit.page, () => true);
}
