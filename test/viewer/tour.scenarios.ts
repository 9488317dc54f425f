import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { ctSlice } from '../../infra/demo/dicom.makers.ts';
import { ABDOMEN, abdomenSlice } from '../../infra/demo/phantom.ts';
import { button, measure } from './measuring.ts';
import { portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { StackAdministrator } from './stack.people.ts';
import { PATIENCE, textOf } from './visits.ts';

/** A folder for the pictures of the tour, for README. Without it, no pictures are taken. */
const PICTURES = process.env['RADGATE_PICTURES'];
const VIEWPORT = { width: 1280, height: 760 };

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.evaluate(
    'Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)))',
  );
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** Makes a folder with a CT of a new study. Returns the folder. */
async function newCt(studyUid: string, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-tour-'));
  const [seriesUid, frameOfReferenceUid] = [freshUid(), freshUid()];
  const study = {
    studyUid,
    patient: { id: name, issuer: 'TOUR', name: 'Tour^Tamara', birthDate: '19710203', sex: 'F' },
    accessionNumber: name,
    date: '20260301',
    description: 'CT Abdomen (tour)',
    institution: name,
  } as const;
  for (let index = 0; index < ABDOMEN.slices; index += 1) {
    const file = ctSlice({
      study,
      seriesUid,
      frameOfReferenceUid,
      sopUid: freshUid(),
      seriesDescription: 'Abdomen axial 5 mm',
      bodyPart: 'ABDOMEN',
      geometry: ABDOMEN,
      window: { center: 60, width: 400 },
      signed: false,
      index,
      pixels: abdomenSlice(index),
    });
    await writeFile(join(folder, `${index}.dcm`), file);
  }
  return folder;
}

/** Registers the tour: one day of an administrator who also reads images and imports a list. */
export function registerTour(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  describe('the tour', () => {
    it('leads from the sign-in over upload, viewer, import and grant to the audit', () => {
      const study = freshUid();
      const name = `tour-${randomBytes(4).toString('hex')}`;
      return as(
        given().stack.admin,
        async ({ page, faults }) => {
          const open = (entry: string) =>
            page.getByRole('navigation').getByRole('link', { name: entry, exact: true }).click();
          const dialog = page.getByRole('dialog');
          const folder = await newCt(study, name);
          try {
            await open('Upload');
            await page.locator('input[webkitdirectory]').setInputFiles(folder);
            await expect
              .poll(() => page.locator('[data-count="stored"] dd').innerText(), PATIENCE)
              .toBe(String(ABDOMEN.slices));
            await picture(page, '1-upload');

            await open('Studies');
            await page.getByRole('searchbox').fill(name);
            await expect.poll(() => page.locator('[data-row]').count(), PATIENCE).toBe(1);
            await page.locator('[data-row] a').click();
            await expect.poll(() => textOf(page), PATIENCE).toContain('Abdomen axial 5 mm');
            await picture(page, '2-studies');
            await page.getByRole('link', { name: 'Open in the viewer' }).click();
            const viewer = await (await page.waitForSelector('iframe')).contentFrame();
            if (viewer === null) throw new Error('The viewer has no document.');
            await viewer.locator('canvas.cornerstone-canvas').waitFor(PATIENCE);
            await measure(page, viewer);
            await button(viewer, 'Create SR').click();
            await viewer.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
            await expect.poll(() => viewer.evaluate('window.radgate.isUnsaved()'), PATIENCE).toBe(false);
            await picture(page, '3-viewer');
            await button(page, 'Back').click();

            await open('Imports');
            const list = `mrn,family_name,given_name,birth_date,sex,conditions\n${name},Tour,Tamara,1971-02-03,F,${name} disease\n`;
            const file = { name: `${name}.csv`, mimeType: 'text/csv', buffer: Buffer.from(list) };
            await page.getByLabel('Rehearse first').uncheck();
            await page.locator('input[type=file]').setInputFiles(file);
            await expect.poll(() => dialog.innerText(), PATIENCE).toContain('Done, with open rows');
            await picture(page, '4-import');
            await dialog.getByRole('button', { name: 'Close' }).click();
            await open('Unknown words');
            await page.getByRole('searchbox', { name: 'Part of a word' }).fill(name);
            await page.getByRole('link', { name: new RegExp(name) }).click();
            await dialog.getByLabel('SNOMED CT code').fill('38341003');
            await dialog.getByLabel('Name of the concept').fill('Hypertensive disorder');
            await picture(page, '5-word');
            await dialog.getByRole('button', { name: 'Take this code' }).click();
            await dialog.waitFor({ state: 'hidden' });

            await open('People');
            await page.getByRole('button', { name: 'Add person' }).click();
            await page.getByLabel('Username', { exact: true }).fill(name);
            await page.getByRole('button', { name: 'Add person' }).click();
            await open('Groups');
            await page.getByLabel('Name of a new group').fill(name);
            await page.getByRole('button', { name: 'Add', exact: true }).click();
            await page.getByRole('link', { name }).click();
            await dialog.getByLabel('Username of a person to add').fill(name);
            await dialog.getByRole('button', { name: 'Add', exact: true }).click();
            await dialog.getByRole('button', { name: 'Add a grant' }).click();
            await dialog.getByLabel('Institution').fill(name);
            await dialog.getByRole('button', { name: 'Show the effect' }).click();
            await expect.poll(() => dialog.innerText(), PATIENCE).toContain(`${name}: gains 1, loses 0`);
            await picture(page, '6-grant');
            await dialog.getByRole('button', { name: 'Add the grant' }).click();
            await expect.poll(() => dialog.innerText(), PATIENCE).toContain(`institution ${name}`);
            await dialog.getByRole('button', { name: 'Close' }).click();

            await open('Audit');
            await page.getByLabel('Study UID').fill(study);
            for (const action of ['POST /dicom-web/studies', 'read frames'])
              await expect.poll(() => page.locator('tbody').last().innerText(), PATIENCE).toContain(action);
            await picture(page, '7-audit');
            await page.getByLabel('Study UID').fill('');
            for (const action of ['POST /api/imports', 'POST /api/terms', 'POST /api/groups/:group/grants']) {
              await page.getByLabel('Action begins with').fill(action);
              await expect.poll(() => page.locator('tbody').last().innerText(), PATIENCE).toContain(action);
            }
            await page.getByRole('banner').getByRole('button').last().click();
            await page.getByRole('menuitem', { name: 'Sign out' }).click();
            await page.waitForURL('**/login');
            expect(faults).toEqual([]);
          } finally {
            await rm(folder, { recursive: true });
            const administrator = await StackAdministrator.signIn(given().stack);
            await administrator.remove(`/dicom-web/studies/${study}`);
          }
        },
        { viewport: VIEWPORT },
      );
    }, 180_000);
  });
}
