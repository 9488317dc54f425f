import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { SOUTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { launchBrowser } from '../support/browser.ts';
import type { StackProcess } from '../support/stack.process.ts';
import { provideStack } from '../support/stack.ts';
import { type RunningStack, StackFile } from '../viewer/running.stack.ts';
import { StackAdministrator } from '../viewer/stack.people.ts';
import { signIn, startVisit, studyAddress, textOf, type Visit } from '../viewer/visits.ts';
import { tell } from './resident.memory.ts';
import { type ViewedObject, viewedObjects } from './viewer.objects.ts';

/** The folder of the sheet (docs/images/viewer-objects.webp) and of the single pictures. */
const FOLDER = process.env['RADGATE_SHEET'] ?? join(tmpdir(), 'radgate-sheet');
const VIEWPORT = { width: 1000, height: 640 };
const Found = z.array(z.looseObject({ '00081190': z.looseObject({ Value: z.tuple([z.string()]) }) }));

let stack: StackProcess<RunningStack>;
let browser: Browser;
let objects: readonly ViewedObject[];
let visit: Visit;
beforeAll(async () => {
  [stack, browser, objects] = await Promise.all([provideStack(StackFile), launchBrowser(), viewedObjects()]);
  const administrator = await StackAdministrator.signIn(stack.facts);
  for (const { file } of objects) await administrator.store(file);
  const person = await administrator.person({ rights: ['studies:read'], scope: { kind: 'all' } });
  visit = await startVisit(browser, stack.facts.web);
  await visit.page.setViewportSize(VIEWPORT);
  await signIn(person, visit.page, `/login?next=${encodeURIComponent(studyAddress(SOUTH_STUDY.studyUid))}`);
  await visit.page.getByText('Confirm and hide').click({ timeout: 120_000 });
  await mkdir(FOLDER, { recursive: true });
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

/** Opens a study, and returns a picture of the part of the viewer that shows it. */
async function seenByOhif(page: Page, studyUid: string): Promise<Buffer> {
  await page.goto(studyAddress(studyUid));
  const grid = page.locator('[data-cy="viewport-grid"]');
  await grid.waitFor({ timeout: 60_000 });
  // The viewer paints, changes its layout and paints again.
  let before: Buffer = Buffer.alloc(0);
  for (let round = 0; round < 20; round += 1) {
    await page.waitForTimeout(700);
    const now = await grid.screenshot();
    const isReady = !/Loading/.test(await textOf(page)) && now.length > 6000;
    if (isReady && now.equals(before)) break;
    before = now;
  }
  return before;
}

/** The picture of the gateway: the rendered object, or the page that Chromium shows for a report. */
async function seenByGateway(page: Page, studyUid: string): Promise<Buffer> {
  const answer = await page.request.get(`/dicom-web/studies/${studyUid}/instances`);
  const [instance] = Found.parse(await answer.json());
  const url = instance?.['00081190'].Value[0] ?? '';
  for (const resource of ['rendered', 'thumbnail?viewport=640,640']) {
    const picture = await page.request.get(`${url}/${resource}`, { headers: { accept: 'image/png' } });
    if (picture.ok()) return await picture.body();
  }
  const report = await page.request.get(`${url}/rendered`, { headers: { accept: 'text/html' } });
  expect(report.status(), studyUid).toBe(200);
  const own = await browser.newPage({ viewport: { width: 500, height: 400 } });
  await own.setContent(await report.text());
  const picture = await own.screenshot();
  await own.close();
  return picture;
}

interface Pair {
  readonly title: string;
  readonly pictures: readonly Buffer[];
}

/** Shows all pairs of pictures in one picture. */
async function sheetOf(pairs: readonly Pair[]): Promise<Buffer> {
  const cells = pairs.map(({ title, pictures }) => {
    const images = pictures.map((one) => `<img src="data:image/png;base64,${one.toString('base64')}">`);
    return `<figure>${images.join('')}<figcaption>${title}</figcaption></figure>`;
  });
  const style = `body{margin:8px;background:#222;color:#eee;font:13px sans-serif;display:grid;gap:8px;
    grid-template-columns:repeat(4,1fr)} figure{margin:0} img{width:146px;height:146px;object-fit:contain;
    background:#000;margin-right:2px}`;
  const page = await browser.newPage({ viewport: { width: 1240, height: 600 } });
  await page.setContent(`<style>${style}</style>${cells.join('')}`);
  const picture = await page.screenshot({ fullPage: true });
  await page.close();
  return sharp(picture).webp({ quality: 70 }).toBuffer();
}

it('OHIF shows each kind of object, beside the picture of the gateway', async () => {
  const { page } = visit;
  const pairs: Pair[] = [];
  const demo = { title: 'CT with segmentation and report', studyUid: SOUTH_STUDY.studyUid };
  for (const { title, studyUid } of [...objects, demo]) {
    const pictures = [await seenByOhif(page, studyUid), await seenByGateway(page, studyUid)];
    pairs.push({ title, pictures });
    tell(`${title}: ${pictures.map(({ length }) => length).join(', ')}`);
    const name = title.replaceAll(/\W+/g, '-');
    await Promise.all(pictures.map((one, at) => writeFile(join(FOLDER, `${name}-${at}.png`), one)));
  }
  const sheet = await sheetOf(pairs);
  await writeFile(join(FOLDER, 'viewer-objects.webp'), sheet);
  expect(sheet.length).toBeLessThan(300_000);
  expect(visit.answers.filter((answer) => answer.startsWith('5'))).toEqual([]);
  expect(visit.faults).toEqual([]);
}, 1_800_000);
