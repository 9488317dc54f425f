import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Pages are files of the output's root (`/login` is login.html); what they load is under /portal/assets/, named by content.
// Nothing is inlined into a page: the policy allows neither inline scripts and styles nor data: addresses.
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
