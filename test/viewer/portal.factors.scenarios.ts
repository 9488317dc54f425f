import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { codeOf } from '../authn/second.factors.ts';
import { barriers, portalVisits } from './portal.visits.ts';
import type { RunningStack } from './running.stack.ts';
import { StackAdministrator, type StackPerson } from './stack.people.ts';
import { PATIENCE, textOf } from './visits.ts';

const AUTHENTICATOR = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const;

/** Gives the page an authenticator that answers without a person (WebAuthn §11). */
async function addAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', { options: AUTHENTICATOR });
}

async function enterPassword(page: Page, { username, password }: StackPerson): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Registers the tests of the pages about second factors, with the running stack. */
export function registerPortalFactors(given: () => { stack: RunningStack; browser: Browser }): void {
  const { as } = portalVisits(given);

  // The tests follow one person, in this order.
  describe('a second factor', () => {
    let person: StackPerson;
    let id: string;
    let page: Page;
    beforeAll(async () => {
      const { stack, browser } = given();
      const administrator = await StackAdministrator.signIn(stack);
      person = await administrator.person({ rights: ['studies:read'], scope: { kind: 'all' } });
      const found = await administrator.get(`/api/users?username=${person.username}`);
      const { items } = z.looseObject({ items: z.tuple([z.looseObject({ id: z.string() })]) }).parse(found);
      id = items[0].id;
      const profile = { ignoreHTTPSErrors: true, baseURL: stack.web, locale: 'en-GB' };
      page = await (await browser.newContext(profile)).newPage();
      await addAuthenticator(page);
    });
    afterAll(() => page?.context().close());

    it('is required of a group, after the page has said of whom', () =>
      as(given().stack.admin, async ({ page: admins, faults }) => {
        await admins.goto(`/groups/${person.groupId}`);
        await admins.getByRole('button', { name: 'Require a second factor' }).click();
        await expect
          .poll(() => textOf(admins), PATIENCE)
          .toContain(`1 person has none and adds one at the next sign-in: ${person.username}.`);
        expect(await barriers(admins)).toEqual([]);
        await admins.getByRole('button', { name: 'Require it now' }).click();
        await expect.poll(() => textOf(admins), PATIENCE).toContain('Members need a second factor');
        expect(faults).toEqual([]);
      }));

    it('is added during the sign-in, and comes with recovery codes', async () => {
      await enterPassword(page, person);
      await page.getByRole('button', { name: 'Add an authenticator app' }).click();
      await page.getByRole('img', { name: 'QR code with the secret' }).waitFor();
      expect(await barriers(page)).toEqual([]);
      const secret = (await page.locator('#factor-key').innerText()).replaceAll(' ', '');
      await page.getByLabel('Code of your authenticator app').fill(codeOf(secret, 5000));
      await page.keyboard.press('Enter');
      await expect.poll(() => page.getByRole('alert').innerText(), PATIENCE).toMatch(/is wrong or was used/);
      await page.getByLabel('Code of your authenticator app').fill(codeOf(secret));
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
      expect(await page.locator('#recovery-codes li').count()).toBe(10);
      await page.getByRole('button', { name: 'I have saved the codes' }).click();
      await page.waitForURL('**/studies');
    });

    it('can be a passkey, which is added in the profile', async () => {
      await page.goto('/profile');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      const card = page.getByRole('region', { name: 'Second factor' });
      await card.getByLabel('Password', { exact: true }).fill(person.password);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Make the passkey' }).click();
      await expect.poll(() => card.getByRole('button', { name: 'Remove' }).count(), PATIENCE).toBe(2);
      expect(await barriers(page)).toEqual([]);
    });

    it('is asked in place when the session has ended', async () => {
      await page.goto('/studies');
      // The session must end after this request, so that the next words are typed before the dialog opens.
      const found = page.waitForResponse((answer) => answer.url().includes('q=phantom'));
      await page.getByRole('searchbox').fill('phantom');
      await found;
      await page.context().clearCookies();
      await page.getByRole('searchbox').fill('phantom north');
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Password', { exact: true }).fill(person.password);
      await page.keyboard.press('Enter');
      await dialog.getByRole('button', { name: 'Use a passkey' }).click();
      await dialog.waitFor({ state: 'hidden' });
      expect(await page.getByRole('searchbox').inputValue()).toBe('phantom north');
    });

    it('is removed by an administrator, and the sign-ins of the person end', async () => {
      await as(given().stack.admin, async ({ page: admins, faults }) => {
        await admins.goto(`/people/${id}`);
        await admins.getByRole('button', { name: 'Remove the second factors' }).click();
        await admins.getByRole('button', { name: 'Remove them now' }).click();
        await expect.poll(() => textOf(admins), PATIENCE).toContain('No second factor');
        expect(faults).toEqual([]);
      });
      expect((await page.request.get('/api/me')).status()).toBe(401);
    });
  });
}
