import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// Software rendering (no graphics card), no sandbox (tests may run as root), and no background requests of the browser.
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
 * Starts the system's Chromium, headless, with an empty profile that `close()` removes. Contexts for the local stack need
 * `ignoreHTTPSErrors`, because its certificate is self-signed. Without Chromium, the error names the command that installs it.
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place));
  if (!executablePath) throw new Error('browser tests need Chromium: apt-get install -y chromium');
  return await chromium.launch({ executablePath, headless: true, args: FLAGS });
}
