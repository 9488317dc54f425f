import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';
import type { RunningStack } from './running.stack.ts';
import { signIn } from './visits.ts';

const Violations = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.unknown()) }),
);

/** A browser profile with the portal, and the faults that the browser reported. */
interface Visit {
  readonly page: Page;
  readonly faults: string[];
}

/** Returns what axe-core calls serious or critical on the page. */
export async function barriers(page: Page): Promise<string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // In the middle of a transition, colours have less contrast.
  await page.evaluate(
    'Promise.all(document.getAnimations().map((each) => each.finished.catch(() => undefined)))',
  );
  await page.evaluate(axe);
  const found = Violations.parse(await page.evaluate('axe.run().then(({ violations }) => violations)'));
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id} ${JSON.stringify(nodes[0]).slice(0, 400)}`);
}

/** Functions that run tests as people of the demo. */
export function portalVisits(given: () => { stack: RunningStack; browser: Browser }) {
  const person = (group: string) => {
    const found = given().stack.people.find((each) => each.group === group);
    if (found === undefined) throw new Error(`The demo has nobody who is only in ${group}.`);
    return found;
  };

  /** Runs a test as a person who has signed in and sees the start page. */
  async function as(
    who: string | { username: string; password: string },
    test: (visit: Visit) => Promise<void>,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<void> {
    const { stack, browser } = given();
    const context: BrowserContext = await browser.newContext({
      ignoreHTTPSErrors: true,
      baseURL: stack.web,
      locale: 'en-GB',
      ...options,
    });
    try {
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      // The sign-in page asks whether somebody is signed in, and gets a 401.
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('401')) faults.push(message.text());
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(stack.web) && !/^(blob|data):/.test(request.url()))
          faults.push(request.url());
      });
      await signIn(typeof who === 'string' ? person(who) : who, page, '/login', '**/{studies,images}');
      await test({ page, faults });
    } finally {
      await context.close();
    }
  }

  return { person, as };
}
