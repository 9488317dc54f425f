import type { RewriteRule } from './bundle.rewriter.ts';

/**
 * These rules change the public path from `/` to `/viewer/`, and move inline scripts to app-config.js. The Content-Security-Policy
 * therefore does not need 'unsafe-inline'.
 */
export const PUBLIC_PATH: readonly RewriteRule[] = [
  {
    file: /\.js$/,
    files: 8,
    times: 8,
    find: '__webpack_require__.p = "/"',
    replace: '__webpack_require__.p = "/viewer/"',
  },
  {
    file: /^app\.bundle\.[0-9a-f]+\.js$/,
    files: 1,
    times: 1,
    find: "browserImportFunction('/dicom-microscopy-viewer/",
    replace: "browserImportFunction('/viewer/dicom-microscopy-viewer/",
  },
  {
    file: /^app\.bundle\.css$/,
    files: 1,
    times: 5,
    find: 'url(/a34f9d1faa5f3315.woff2)',
    replace: 'url(/viewer/a34f9d1faa5f3315.woff2)',
  },
  {
    file: /^index\.html$/,
    files: 1,
    times: 1,
    find: '<script>console.time("scriptToView"),window.PUBLIC_URL="/"</script>',
    replace: '',
  },
  {
    file: /^index\.html$/,
    files: 1,
    times: 1,
    find: '<script>function browserImportFunction(n){return import(n)}window.PUBLIC_URL="/"</script>',
    replace: '',
  },
  {
    file: /^index\.html$/,
    files: 1,
    times: 1,
    find: '<script rel="preload" as="script" type="module" src="/init-service-worker.js"></script>',
    replace: '',
  },
  {
    file: /^index\.html$/,
    files: 1,
    times: 1,
    find: '<script rel="preload" as="script" src="/app-config.js">',
    replace: '<script type="module" src="/saving.js"></script><script src="/app-config.js">',
  },
  {
    file: /^index\.html$/,
    files: 1,
    times: 1,
    find: '<title>OHIF Viewer</title>',
    replace: '<title>Radgate viewer</title>',
  },
  { file: /^index\.html$/, files: 1, times: 33, find: '="/', replace: '="/viewer/' },
  { file: /^manifest\.json$/, files: 1, times: 9, find: '"/assets/', replace: '"/viewer/assets/' },
  {
    file: /^assets\/(browserconfig\.xml|manifest\.webapp|yandex-browser-manifest\.json)$/,
    files: 3,
    times: 8,
    find: '"/assets/',
    replace: '"/viewer/assets/',
  },
];
