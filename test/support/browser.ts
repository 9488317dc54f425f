import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// Software rendering (no graphics card on a test machine), no sandbox (tests may run as root), and no request of the browser's own.
const FLAGS = [
  '--no-sandbox',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/**
 * A headless Chromium of the system with an empty profile that is gone after `close()`. Contexts for the local stack need
 * `ignoreHTTPSErrors`: its certificate is self-signed. Throws with the command that installs Chromium when there is none.
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place));
  if (!executablePath) throw new Error('browser tests need Chromium: apt-get install -y chromium');
  return await chromium.launch({ executablePath, headless: true, args: FLAGS });
}
