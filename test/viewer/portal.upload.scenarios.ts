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

/** The number that the page shows, such as that of the stored files. */
function countOf(page: Page, name: string): Promise<string> {
  return page.locator(`[data-count="${name}"] dd`).innerText();
}

/** Registers the tests of the upload and the download, with the running stack. */
export function registerPortalUpload(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  describe('the upload page', () => {
    it('loses no file and sends none twice when an answer is lost, the gateway is away, and the session ends', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        const study = freshUid();
        const folder = await folderOf(study);
        try {
          await page.getByRole('navigation').getByRole('link', { name: 'Upload' }).click();
          await page.getByRole('heading', { name: 'Upload images' }).waitFor();
          expect(await barriers(page)).toEqual([]);
          // The gateway stores the first batch, but its answer is lost. Then it is away, then the session ends.
          const met: string[] = [];
          await page.route(STORE, async (route) => {
            met.push(route.request().method());
            if (met.length === 1) {
              await route.fetch();
              return route.abort('connectionreset');
            }
            if (met.length === 2) return route.fulfill({ status: 503, headers: { 'retry-after': '1' } });
            if (met.length === 3) await page.context().clearCookies();
            return route.continue();
          });
          await page.locator('input[webkitdirectory]').setInputFiles(folder);
          await expect.poll(() => textOf(page), PATIENCE).toContain('goes on by itself');
          const dialog = page.getByRole('dialog');
          await dialog.waitFor({ timeout: PATIENCE.timeout });
          await dialog.getByLabel('Password', { exact: true }).fill(given().stack.admin.password);
          await page.keyboard.press('Enter');
          await dialog.waitFor({ state: 'hidden' });
          await expect.poll(() => countOf(page, 'left'), PATIENCE).toBe('0');
          expect([await countOf(page, 'stored'), await countOf(page, 'failed')]).toEqual(['17', '3']);
          await page.getByText('Not stored', { exact: true }).last().click();
          const failed = await page.getByRole('row').allInnerTexts();
          expect(failed.map((text) => text.split('\n').at(-1) ?? '').toSorted()).toEqual([
            'Not a DICOM file',
            'The file is damaged or incomplete',
            'The file is empty',
          ]);
          expect(await barriers(page)).toEqual([]);
          await page.unroute(STORE);

          // The same folder again: the archive has everything.
          await page.getByRole('button', { name: 'Clear the list' }).click();
          await page.locator('input[webkitdirectory]').setInputFiles(folder);
          await expect.poll(() => countOf(page, 'present'), PATIENCE).toBe('17');

          await page.goto(`/studies/${study}`);
          const button = page.getByRole('button', { name: /^Download \(/ }).first();
          const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
          const chunks: Buffer[] = [];
          for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk));
          expect(Object.keys(unzipSync(Buffer.concat(chunks)))).toHaveLength(18);
          // 409 is the answer to a batch that has only the file that is cut off.
          const expectedFaults = /409|503|ERR_CONNECTION_RESET/;
          expect(faults.filter((fault) => !expectedFaults.test(fault))).toEqual([]);
        } finally {
          await page.unrouteAll();
          await page.evaluate((uid) => fetch(`/dicom-web/studies/${uid}`, { method: 'DELETE' }), study);
          await rm(folder, { recursive: true });
        }
      }));
  });
}
