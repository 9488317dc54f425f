import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { barriers, portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { PATIENCE, textOf } from './visits.ts';

const FILES = 20;
const STORE = '**/dicom-web/studies';

/** Makes a folder of 20 files. Three of them cannot be stored: a text, an empty file, and a file that is cut off. */
async function folderOf(studyUid: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-upload-'));
  const seriesUid = freshUid();
  for (let at = 0; at < FILES; at += 1) {
    const file = makeInstance({ studyUid, seriesUid, instanceNumber: at + 1, patientName: 'Upload^Portal' });
    const content = [Buffer.from('no image'), Buffer.alloc(0), file.subarray(0, -9)][at] ?? file;
    await writeFile(join(folder, `${at}.dcm`), content);
  }
  return folder;
}

/** Drags a folder from the desktop of the computer to the page. */
async function drop(page: Page, folder: string): Promise<void> {
  const { x, y } = (await page.getByRole('heading', { name: 'Upload images' }).boundingBox()) ?? {
    x: 0,
    y: 0,
  };
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', { type, x, y, data });
  await devtools.detach();
}

/** The number that the page shows, such as that of the stored files. */
function countOf(page: Page, name: string): Promise<string> {
  return page.locator(`[data-count="${name}"] dd`).innerText();
}

/** Registers the tests of the upload and the download, with the running stack. */
export function registerPortalUpload(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  /** Runs a test on the upload page with a folder of files of one new study. Deletes the study at the end. */
  const withFolder = (test: (page: Page, folder: string, study: string) => Promise<void>) =>
    as(given().stack.admin, async ({ page, faults }) => {
      const study = freshUid();
      const folder = await folderOf(study);
      try {
        await page.getByRole('navigation').getByRole('link', { name: 'Upload' }).click();
        await page.getByRole('heading', { name: 'Upload images' }).waitFor();
        await test(page, folder, study);
        // 409 is the answer to a batch that has only the file that is cut off.
        const expectedFaults = /409|503|ERR_CONNECTION_RESET/;
        expect(faults.filter((fault) => !expectedFaults.test(fault))).toEqual([]);
      } finally {
        await page.unrouteAll();
        await page.evaluate((uid) => fetch(`/dicom-web/studies/${uid}`, { method: 'DELETE' }), study);
        await rm(folder, { recursive: true });
      }
    });

  describe('the upload page', () => {
    it('loses no file and sends none twice when an answer is lost, the gateway is away, and the session ends', () =>
      withFolder(async (page, folder) => {
        // The gateway stores the first batch, but its answer is lost. Then it is away, then the session ends.
        let met = 0;
        const { promise: seen, resolve: release } = Promise.withResolvers<void>();
        await page.route(STORE, async (route) => {
          met += 1;
          if (met === 1) {
            await seen;
            await route.fetch();
            return route.abort('connectionreset');
          }
          if (met === 2) return route.fulfill({ status: 503, headers: { 'retry-after': '1' } });
          if (met === 3) await page.context().clearCookies();
          return route.continue();
        });
        await drop(page, folder);
        // Another page shows the progress, and leads back.
        await page.getByRole('navigation').getByRole('link', { name: 'Profile' }).click();
        await page
          .getByRole('banner')
          .getByRole('link', { name: /^Upload: \d+%/ })
          .click();
        await page.getByRole('heading', { name: 'Upload images' }).waitFor();
        release();
        await expect.poll(() => textOf(page), PATIENCE).toContain('goes on by itself');
        const dialog = page.getByRole('dialog');
        await dialog.waitFor({ timeout: PATIENCE.timeout });
        await dialog.getByLabel('Password', { exact: true }).fill(given().stack.admin.password);
        await page.keyboard.press('Enter');
        await dialog.waitFor({ state: 'hidden' });
        await expect.poll(() => countOf(page, 'left'), PATIENCE).toBe('0');
        expect([await countOf(page, 'stored'), await countOf(page, 'failed')]).toEqual(['17', '3']);
      }));

    it('names the reason for each failed file, and sends nothing that the archive has', () =>
      withFolder(async (page, folder, study) => {
        const input = page.locator('input[webkitdirectory]');
        await input.setInputFiles(folder);
        await expect.poll(() => countOf(page, 'stored'), PATIENCE).toBe('17');
        await expect.poll(() => countOf(page, 'left'), PATIENCE).toBe('0');
        await page.getByText('Not stored', { exact: true }).last().click();
        const failed = await page.getByRole('row').allInnerTexts();
        expect(failed.map((text) => text.split('\n').at(-1) ?? '').toSorted()).toEqual([
          'Not a DICOM file',
          'The file is damaged or incomplete',
          'The file is empty',
        ]);
        expect(await barriers(page)).toEqual([]);
        await page.getByRole('button', { name: 'Clear the list' }).click();
        await input.setInputFiles(folder);
        await expect.poll(() => countOf(page, 'present'), PATIENCE).toBe('17');

        await page.goto(`/studies/${study}`);
        const button = page.getByRole('button', { name: /^Download \(/ }).first();
        const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
        const chunks: Buffer[] = [];
        for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk));
        expect(Object.keys(unzipSync(Buffer.concat(chunks)))).toHaveLength(18);
      }));
  });
}
