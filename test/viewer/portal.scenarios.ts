import { randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NORTH_STUDY, SOUTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { sample } from '../support/long.form.ts';
import { barriers, portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { PATIENCE, textOf } from './visits.ts';

const LANGUAGES = ['en-GB', 'pt-BR', 'fr-FR', 'de-DE'];
const PHONE = { width: 390, height: 844 };

/** Registers the tests of the portal's pages, with the running stack. */
export function registerPortal(given: () => { stack: RunningStack; browser: Browser }): void {
  const { person, as } = portalVisits(given);

  describe('the portal', () => {
    it('finds a study as one types, opens it beside the list, and leads to the viewer', () =>
      as('Radiology North', async ({ page, faults }) => {
        await expect.poll(() => textOf(page), PATIENCE).toContain(NORTH_STUDY.description);
        expect(await textOf(page)).not.toContain(SOUTH_STUDY.description);
        await page.keyboard.press('/');
        await page.keyboard.type('nobody of this name');
        await expect.poll(() => textOf(page), PATIENCE).toContain('No study matches');
        await page.getByRole('button', { name: 'Remove all filters' }).click();
        const [family = ''] = NORTH_STUDY.patient.name.split('^');
        await page.getByRole('searchbox').fill(family.toLowerCase());
        await expect.poll(() => page.locator('[data-row]').count(), PATIENCE).toBe(1);
        await page.locator('[data-row] a').press('Enter');
        await page.waitForURL(`**/studies/${NORTH_STUDY.studyUid}`);
        expect(page.url()).not.toMatch(new RegExp(family, 'i'));
        await expect.poll(() => textOf(page), PATIENCE).toContain('series');
        const link = page.getByRole('link', { name: 'Open in the viewer' });
        expect(await link.getAttribute('href')).toContain(NORTH_STUDY.studyUid);
        expect(await barriers(page)).toEqual([]);
        await page.keyboard.press('Escape');
        await page.waitForURL('**/studies');
        expect(faults).toEqual([]);
      }));

    it('says the same about a study of another group and about an unknown study', () =>
      as('Radiology North', async ({ page }) => {
        const seen: string[] = [];
        for (const study of [SOUTH_STUDY.studyUid, '1.2.3']) {
          await page.goto(`/studies/${study}`);
          await expect.poll(() => textOf(page), PATIENCE).toContain('There is nothing here');
          seen.push(await page.getByRole('complementary').innerText());
          await page.goto(`/studies/${study}/patient`);
          await expect.poll(() => textOf(page), PATIENCE).toContain('There is nothing here');
        }
        expect(seen[0]).toBe(seen[1]);
      }));

    it('asks for the password in place when the session has ended, and keeps what was typed', () =>
      as('Radiology North', async ({ page }) => {
        await page.getByRole('searchbox').fill('nobody');
        await expect.poll(() => textOf(page), PATIENCE).toContain('No study matches');
        await page.context().clearCookies();
        await page.getByRole('searchbox').fill('phantom');
        const dialog = page.getByRole('dialog');
        await dialog.waitFor();
        await dialog.getByLabel('Password', { exact: true }).fill('wrong password');
        await page.keyboard.press('Enter');
        await expect.poll(() => dialog.innerText(), PATIENCE).toContain('The password is wrong.');
        await dialog.getByLabel('Password', { exact: true }).fill(person('Radiology North').password);
        await page.keyboard.press('Enter');
        await dialog.waitFor({ state: 'hidden' });
        expect(await page.getByRole('searchbox').inputValue()).toBe('phantom');
        await expect.poll(() => textOf(page), PATIENCE).toContain(NORTH_STUDY.description);
      }));

    it('shows a patient on a phone the own images and nothing else', () =>
      as(
        'Patients',
        async ({ page, faults }) => {
          await expect.poll(() => page.getByRole('article').count(), PATIENCE).toBeGreaterThan(0);
          expect(await page.getByRole('navigation').innerText()).toMatch(
            /^\s*My images\s+Who has looked\s+Profile\s*$/,
          );
          expect(await textOf(page)).not.toMatch(/\d\.\d+\.\d+/);
          expect(await barriers(page)).toEqual([]);
          await page.getByRole('link', { name: 'Who has looked' }).click();
          await expect.poll(() => textOf(page), PATIENCE).toContain('who has opened your images');
          expect(faults).toEqual([]);
        },
        { viewport: PHONE },
      ));

    it.each(sample(LANGUAGES, 2))('fits a phone in the language %s', (locale) =>
      as(
        'Radiology North',
        async ({ page, faults }) => {
          const study = `/studies/${NORTH_STUDY.studyUid}`;
          for (const path of ['/studies', study, `${study}/patient`, '/profile']) {
            await page.goto(path);
            await page.getByRole('main').waitFor();
            await expect.poll(() => page.evaluate('document.documentElement.lang')).toBe(locale.slice(0, 2));
            expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBe(PHONE.width);
            expect(await barriers(page)).toEqual([]);
          }
          expect(faults).toEqual([]);
        },
        { viewport: PHONE, locale, colorScheme: 'dark' },
      ),
    );

    it('gives a new person a right over an institution, after it has shown the effect', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        const name = `portal-${randomBytes(4).toString('hex')}`;
        const nav = page.getByRole('navigation');
        await nav.getByRole('link', { name: 'People' }).click();
        await page.getByRole('button', { name: 'Add person' }).click();
        await page.getByLabel('Username', { exact: true }).fill(name);
        await page.getByRole('textbox', { name: 'Name', exact: true }).fill('<b>Portal</b> & Test');
        await page.getByRole('button', { name: 'Add person' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toContain('<b>Portal</b> & Test');
        expect(await barriers(page)).toEqual([]);

        await nav.getByRole('link', { name: 'Groups' }).click();
        await page.getByLabel('Name of a new group').fill(name);
        await page.getByRole('button', { name: 'Add', exact: true }).click();
        await page.getByRole('link', { name }).click();
        const drawer = page.getByRole('dialog');
        await drawer.getByLabel('Username of a person to add').fill(name);
        await drawer.getByRole('button', { name: 'Add', exact: true }).click();
        await expect.poll(() => drawer.innerText(), PATIENCE).toContain('1 person');
        await drawer.getByRole('button', { name: 'Add a grant' }).click();
        await drawer.getByLabel('Institution').fill('Lakeside Clinic');
        await drawer.getByRole('button', { name: 'Show the effect' }).click();
        await expect
          .poll(() => drawer.innerText(), PATIENCE)
          .toMatch(new RegExp(`${name}: gains [1-9]\\d*, loses 0`));
        expect(await barriers(page)).toEqual([]);
        await drawer.getByRole('button', { name: 'Add the grant' }).click();
        await expect
          .poll(() => drawer.innerText(), PATIENCE)
          .toContain('see studies, of the institution Lakeside Clinic');
        await drawer.getByRole('button', { name: 'Close' }).click();

        await nav.getByRole('link', { name: 'Machines' }).click();
        await page.getByLabel('Name of a new machine').fill(`${name}-ct`);
        await page.getByRole('button', { name: 'Add', exact: true }).click();
        await page.getByRole('link', { name: `${name}-ct` }).click();
        await drawer.getByLabel('Name of a new key').fill('first');
        await drawer.getByRole('button', { name: 'Create key' }).click();
        await expect.poll(() => drawer.innerText(), PATIENCE).toMatch(/rgk_\w+[^]*curl [^]*rgk_\w+/);
        expect(await barriers(page)).toEqual([]);
        await drawer.getByRole('button', { name: 'Close' }).click();

        await nav.getByRole('link', { name: 'Audit' }).click();
        await page.getByLabel('Action begins with').fill('POST /api/groups/:group/grants');
        await expect.poll(() => page.locator('tbody').last().innerText(), PATIENCE).toContain('grants');
        await expect.poll(() => textOf(page), PATIENCE).toContain('Accesses and refusals');
        await page.getByRole('button', { name: 'Verify the seals' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toMatch(/entries are as they were sealed/);
        expect(await barriers(page)).toEqual([]);
        expect(faults).toEqual([]);
      }));

    it('takes a list of patients and shows what becomes of it', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        await page.getByRole('navigation').getByRole('link', { name: 'Imports' }).click();
        const id = randomBytes(4).toString('hex');
        const text = `mrn,family_name,given_name,birth_date,sex\nP-${id},Portal,Anna,1950-02-03,F\n`;
        const file = { name: `${id}.csv`, mimeType: 'text/csv', buffer: Buffer.from(text) };
        await page.locator('input[type=file]').setInputFiles(file);
        // A stack without HAPI FHIR refuses lists.
        const accepted = /Rehearsed|Being read|Being written|Waits its turn/;
        await expect
          .poll(() => textOf(page), PATIENCE)
          .toMatch(new RegExp(`${accepted.source}|No FHIR server`));
        expect(await barriers(page)).toEqual([]);
        if (accepted.test(await textOf(page)))
          await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
        else faults.length = 0;
        await page.getByRole('navigation').getByRole('link', { name: 'Unknown words' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toContain('wait until somebody decides');
        expect(faults).toEqual([]);
      }));

    it('shows the state of the system and the quarantine, and explains a right', () =>
      as(given().stack.admin, async ({ page, faults }) => {
        const nav = page.getByRole('navigation');
        await nav.getByRole('link', { name: 'System' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toContain('Orthanc answers');
        await expect.poll(() => textOf(page), PATIENCE).toMatch(/Studies by month[^]*CT/);
        await expect.poll(() => textOf(page), PATIENCE).toContain('Node.js');
        await page.getByRole('button', { name: 'Compare now' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toMatch(/instances checked, 0 added, 0 removed/);
        expect(await barriers(page)).toEqual([]);
        await nav.getByRole('link', { name: 'Quarantine' }).click();
        await expect.poll(() => textOf(page), PATIENCE).toContain('contradict the catalog');
        expect(await barriers(page)).toEqual([]);
        await nav.getByRole('link', { name: 'Explain' }).click();
        await page.getByLabel('Username or machine account').fill(person('Radiology South').username);
        await page.getByLabel('Study UID').fill(NORTH_STUDY.studyUid);
        await page.getByRole('button', { name: 'Explain' }).click();
        await expect
          .poll(() => textOf(page), PATIENCE)
          .toContain('No: no grant with this right covers the study.');
        expect(await barriers(page)).toEqual([]);
        // The browser reports the 404 before the first comparison.
        expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
      }));

    it('signs out, and every open page asks for the sign-in', () =>
      as('Radiology North', async ({ page }) => {
        await page.getByRole('banner').getByRole('button').click();
        await page.getByRole('menuitem', { name: 'Sign out' }).click();
        await page.waitForURL('**/login');
        await page.goto('/studies');
        await page.waitForURL('**/login?next=%2Fstudies');
      }));
  });
}
