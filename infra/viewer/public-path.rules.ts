interface Rule {
  /** Which files, by their path inside the viewer's folder. */
  file: RegExp;
  /** In how many files the text must be found, and how often over all of them. */
  files: number;
  times: number;
  find: string;
  replace: string;
}

/** OHIF's build has `/` as public path; ours is under `/viewer/`. Its inline scripts move to app-config.js, so that the policy needs no 'unsafe-inline'. */
const RULES: readonly Rule[] = [
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
    replace: '<script src="/app-config.js">',
  },
  {
    file: /^index\.html$/,
    files: 1,
    times: 1,
    find: '<title>OHIF Viewer</title>',
    replace: '<title>Radgate viewer</title>',
  },
  { file: /^index\.html$/, files: 1, times: 32, find: '="/', replace: '="/viewer/' },
  { file: /^manifest\.json$/, files: 1, times: 9, find: '"/assets/', replace: '"/viewer/assets/' },
  {
    file: /^assets\/(browserconfig\.xml|manifest\.webapp|yandex-browser-manifest\.json)$/,
    files: 3,
    times: 8,
    find: '"/assets/',
    replace: '"/viewer/assets/',
  },
];

/** Moves the viewer's text files from `/` to `/viewer/`, and checks at the end that every rule met exactly what it was written for. */
export class PublicPath {
  readonly #met = new Map<Rule, { files: number; times: number }>();

  /** Returns `text` of the file at `path` (relative to the viewer's folder) as it is to be served. */
  rewrite(path: string, text: string): string {
    let result = text;
    for (const rule of RULES) {
      if (!rule.file.test(path)) continue;
      const times = result.split(rule.find).length - 1;
      if (times === 0) continue;
      const met = this.#met.get(rule) ?? { files: 0, times: 0 };
      this.#met.set(rule, { files: met.files + 1, times: met.times + times });
      result = result.replaceAll(rule.find, rule.replace);
    }
    return result;
  }

  /** Throws, naming each rule, when a text was found more or less often than in the OHIF build the rules were written for. */
  assertComplete(): void {
    const faults = RULES.flatMap((rule) => {
      const met = this.#met.get(rule) ?? { files: 0, times: 0 };
      if (met.files === rule.files && met.times === rule.times) return [];
      return [
        `${rule.find} (${rule.file.source}): ${met.times} in ${met.files} files, not ${rule.times} in ${rule.files}`,
      ];
    });
    if (faults.length > 0) throw new Error(`the OHIF build is not the expected one:\n${faults.join('\n')}`);
  }
}
