/** A replacement of a text in the OHIF build. */
export interface RewriteRule {
  /** Selects files by their path relative to the viewer's folder. */
  file: RegExp;
  /** `files` is the number of files that must contain the text. `times` is the number of occurrences in all files together. */
  files: number;
  times: number;
  find: string;
  replace: string;
}

/** Rewrites the text files of the viewer. `assertComplete` then checks that every rule matched exactly as often as expected. */
export class BundleRewriter {
  readonly #rules: readonly RewriteRule[];
  readonly #met = new Map<RewriteRule, { files: number; times: number }>();

  constructor(rules: readonly RewriteRule[]) {
    this.#rules = rules;
  }

  /** Returns the rewritten `text` of the file at `path`. The path is relative to the viewer's folder. */
  rewrite(path: string, text: string): string {
    let result = text;
    for (const rule of this.#rules) {
      if (!rule.file.test(path)) continue;
      const times = result.split(rule.find).length - 1;
      if (times === 0) continue;
      const met = this.#met.get(rule) ?? { files: 0, times: 0 };
      this.#met.set(rule, { files: met.files + 1, times: met.times + times });
      result = result.replaceAll(rule.find, rule.replace);
    }
    return result;
  }

  /** Throws if a text occurred more or less often than expected. The error lists each such rule. */
  assertComplete(): void {
    const faults = this.#rules.flatMap((rule) => {
      const met = this.#met.get(rule) ?? { files: 0, times: 0 };
      if (met.files === rule.files && met.times === rule.times) return [];
      return [
        `${rule.find} (${rule.file.source}): ${met.times} in ${met.files} files, not ${rule.times} in ${rule.files}`,
      ];
    });
    if (faults.length > 0) throw new Error(`the OHIF build is not the expected one:\n${faults.join('\n')}`);
  }
}
