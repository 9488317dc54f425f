import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { sample } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { login } from './signing.in.ts';

/** Requests that pages of other origins send in the administrator's browser. The browser decides whether to include the cookies. */
const DEEDS: readonly (readonly [verb: string, path: string, body?: object])[] = [
  ['POST', '/api/auth/logout', {}],
  ['POST', '/api/groups', { name: 'made by a stranger' }],
  ['POST', '/api/me/password', { current_password: 'x', new_password: 'gently woven reed' }],
  ['DELETE', '/api/me/sessions'],
  ['POST', '/dicom-web/studies', { not: 'DICOM' }],
  ['POST', '/api/auth/login', { username: 'admin', password: 'x', session: true }],
];

let world: World;
let browser: Browser;
let context: BrowserContext;
const elsewhere = createServer((_request, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>elsewhere</title>'),
);
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  ({ port } = z.object({ port: z.number() }).parse(elsewhere.address()));
  // The test needs only the provider's name on the sign-in page, so the provider need not be reachable.
  world = await startWorld({
    OIDC_ISSUER: 'http://127.0.0.1:1',
    OIDC_CLIENT_ID: 'radgate',
    OIDC_NAME: 'the hospital',
  });
  browser = await launchBrowser();
  context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${world.gateway.url}/health/live`);
  const status = await page.evaluate(
    async ({ password }) => {
      const body = JSON.stringify({ username: 'admin', password, session: true });
      const headers = { 'content-type': 'application/json' };
      return (await fetch('/api/auth/login', { method: 'POST', headers, body })).status;
    },
    { password: world.adminPassword },
  );
  expect(status).toBe(200);
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
  elsewhere.close();
});

/** Runs `work` in a page of the gateway's own origin and returns the result. */
async function own<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const page = await context.newPage();
  await page.goto(`${world.gateway.url}/health/live`);
  const result = await work(page);
  await page.close();
  return result;
}

const statusOfMe = () => own((page) => page.evaluate(async () => (await fetch('/api/me')).status));
const cookies = async () =>
  (await context.cookies(world.gateway.url)).map(({ name, value }) => `${name}=${value}`).sort();

async function state(): Promise<unknown> {
  const [counts] = await world.sql`
    select (select count(*) from groups) as groups, (select count(*) from sessions) as sessions,
      (select count(*) from studies) as studies, (select password_hash from accounts where name = 'admin') as password`;
  return { counts, cookies: await cookies() };
}

const answered = async (route: string) =>
  (await world.gateway.logged()).split('\n').filter((line) => line.includes(`"route":"${route}"`)).length;

describe.each([
  ['another site', 'localhost'],
  // SameSite does not protect against this page. Another port belongs to the same site, so the browser sends the cookies.
  ['the same site on another port', '127.0.0.1'],
])('a page of %s', (_, host) => {
  test('changes nothing by forms', async () => {
    const before = await state();
    for (const [verb, path, body] of sample(
      DEEDS.filter(([each]) => each === 'POST'),
      2,
    )) {
      const seen = await answered(path);
      const page = await context.newPage();
      await page.goto(`http://${host}:${port}/`);
      // With text/plain, the body `name=value` of a form can be valid JSON.
      const name = `${JSON.stringify(body).slice(0, -1)},"x":"`;
      await page.setContent(`<form method="${verb}" action="${world.gateway.url}${path}" enctype="text/plain">
        <input name='${name}' value='"}'><button>go</button></form>`);
      await page.getByRole('button').click();
      // Chromium sometimes does not close a page that is still navigating.
      await page.waitForURL(`${world.gateway.url}${path}`);
      await expect.poll(() => answered(path)).toBeGreaterThan(seen);
      await page.close();
    }
    expect(await state()).toEqual(before);
    expect(await statusOfMe()).toBe(200);
  });

  test('changes nothing by fetches, with or without CORS, and reads nothing', async () => {
    const before = await state();
    const page = await context.newPage();
    await page.goto(`http://${host}:${port}/`);
    const seen = await answered('/api/groups');
    const outcomes = await page.evaluate(
      async ({ url, deeds }) => {
        const outcome: string[] = [];
        for (const mode of ['no-cors', 'cors'] as const)
          for (const type of ['text/plain', 'application/json', 'application/dicom'])
            for (const [method, path, body] of deeds) {
              const init: RequestInit = {
                method,
                mode,
                credentials: 'include',
                headers: { 'content-type': type },
              };
              if (body !== undefined) init.body = JSON.stringify(body);
              const answer = await fetch(`${url}${path}`, init).catch(() => undefined);
              outcome.push(answer === undefined ? 'refused' : answer.type);
            }
        const read = await fetch(`${url}/api/me`, { credentials: 'include' }).catch(() => undefined);
        outcome.push(read === undefined ? 'refused' : read.type);
        return [...new Set(outcome)].sort();
      },
      { url: world.gateway.url, deeds: DEEDS.map(([verb, path, body]) => [verb, path, body] as const) },
    );
    expect(outcomes).toEqual(['opaque', 'refused']);
    expect(await answered('/api/groups')).toBeGreaterThan(seen);
    await page.close();
    expect(await state()).toEqual(before);
    expect(await statusOfMe()).toBe(200);
  });
});

describe('a page of ours', () => {
  test('does, with the token of its cookie', async () => {
    const csrf = (await context.cookies(world.gateway.url)).find(({ name }) => name === 'csrf_token')?.value;
    const status = await own((page) =>
      page.evaluate(async (token) => {
        const headers = { 'content-type': 'application/json', 'x-csrf-token': decodeURIComponent(token) };
        const body = JSON.stringify({ name: 'made by the administrator' });
        return (await fetch('/api/groups', { method: 'POST', headers, body })).status;
      }, csrf ?? ''),
    );
    expect(status).toBe(201);
    await login(world, { username: 'admin', password: world.adminPassword }).expect(200);
  });

  test('for signing in offers the provider, which brings the person back where they wanted to go', async () => {
    const guest = await browser.newContext();
    const page = await guest.newPage();
    const portal = join(import.meta.dirname, '../../dist/portal');
    await page.route(/\/(login|portal\/.*)(\?.*)?$/, async (route) => {
      const { pathname } = new URL(route.request().url());
      const file = pathname === '/login' ? 'login.html' : pathname;
      const type = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
      const kind = z.enum(['html', 'js', 'css', 'svg']).parse(file.split('.').at(-1));
      await route.fulfill({ body: await readFile(join(portal, file)), contentType: type[kind] });
    });
    await page.goto(`${world.gateway.url}/login?next=/viewer/viewer?StudyInstanceUIDs=1.2&failed=external`);
    const button = page.getByRole('link', { name: 'Sign in with the hospital' });
    await button.waitFor();
    expect(await button.getAttribute('href')).toBe(
      '/api/auth/oidc/login?next=%2Fviewer%2Fviewer%3FStudyInstanceUIDs%3D1.2',
    );
    await page.getByText('The external sign-in failed.').waitFor();
    await guest.close();
  });
});
