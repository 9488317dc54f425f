import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Pages are files in the root of the output (`/login` is login.html). Their assets are under /portal/assets/, named by content hash.
// Nothing is inlined: the Content-Security-Policy allows no inline scripts or styles and no data: URLs.
export default defineConfig({
  root: here('.'),
  base: '/',
  publicDir: false,
  build: {
    outDir: here('../dist/portal'),
    emptyOutDir: true,
    assetsDir: 'portal/assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rolldownOptions: { input: { login: here('login.html') } },
  },
});
