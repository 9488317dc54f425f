import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Each page is a file in the root of the output (`/login` is login.html). The assets are under /portal/assets/, and their names contain a
// hash of their content. Nothing is inlined, because the Content-Security-Policy allows no inline scripts or styles and no data: URLs.
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
    rolldownOptions: {
      input: { index: here('index.html'), login: here('login.html'), docs: here('api.docs.html') },
    },
  },
});
