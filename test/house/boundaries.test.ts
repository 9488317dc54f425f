import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isLong } from '../support/long.form.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
const Violation = z.object({ from: z.string(), rule: z.object({ severity: z.string() }) });
const Report = z.object({
  summary: z.object({ totalCruised: z.number(), error: z.number(), violations: z.array(Violation) }),
});

/** Checks a folder that contains `src` against the table of allowed imports. */
async function cruise(folder: string) {
  const args = [depcruise, '--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', 'src'];
  const { stdout } = await execute(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }).catch(
    (failed: unknown) => z.object({ stdout: z.string() }).parse(failed),
  );
  return Report.parse(JSON.parse(stdout)).summary;
}

/** Writes these files into a folder and checks the folder against the table of allowed imports. */
async function cruisePlanted(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-house-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    await symlink(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'));
    return await cruise(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the import table', () => {
  // In `npm test`, `npm run boundaries` checks src itself.
  if (isLong)
    it('sees every module of src and finds no forbidden import', async () => {
      const { totalCruised, error } = await cruise(root);
      expect(totalCruised).toBeGreaterThan(100);
      expect(error).toBe(0);
    });

  describe('of two planted violations', () => {
    /** The number of forbidden imports in the files whose name begins with this. */
    let errorsIn: (begin: string) => number;
    beforeAll(async () => {
      const { violations } = await cruisePlanted({
        'src/orthanc/password.ts': 'export const password = 1;\n',
        'src/config/env.ts':
          "import { password } from '../orthanc/password.js';\nexport const env = password;\n",
        'src/mapping/one.ts': "import type { Two } from './two.js';\nexport type One = Two | 1;\n",
        'src/mapping/two.ts': "import type { One } from './one.js';\nexport type Two = One[] | 2;\n",
      });
      errorsIn = (begin) =>
        violations.filter(({ from, rule }) => from.startsWith(begin) && rule.severity === 'error').length;
    });

    it('stops an import that the table does not allow', () => {
      expect(errorsIn('src/config/')).toBe(1);
    });

    it('stops a circle of imports, also of types only', () => {
      expect(errorsIn('src/mapping/')).toBe(1);
    });
  });
});
