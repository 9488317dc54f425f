import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, glob, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { withLock } from './lock.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');

const NestProject = z.object({
  sourceRoot: z.string(),
  compilerOptions: z.object({ assets: z.array(z.object({ include: z.string(), outDir: z.string() })) }),
});
const Output = z.object({ stdout: z.string(), stderr: z.string() });

/** `prepare` runs before the commands, `complete` after them. */
type Part = {
  inputs: string[];
  output: string;
  commands: string[][];
  prepare?: () => Promise<void>;
  complete?: () => Promise<void>;
};

// The gateway must be built first, because its build empties dist/ and would delete the portal.
const parts: Part[] = [
  {
    inputs: ['src', 'tsconfig.json', 'nest-cli.json', 'package-lock.json'],
    output: 'dist/main.js',
    commands: [['node_modules/typescript-native/bin/tsc', '-p', '.']],
    prepare: () => rm(join(root, 'dist'), { recursive: true, force: true }),
    complete: copyAssets,
  },
  {
    inputs: ['portal', 'package-lock.json'],
    output: 'dist/portal/index.html',
    // The request types of the pages come from the OpenAPI document. A change of the interface that breaks a page fails here.
    commands: [
      ['dist/openapi.command.js', 'dist/openapi/document.json'],
      [
        'node_modules/openapi-typescript/bin/cli.js',
        'dist/openapi/document.json',
        '-o',
        'dist/openapi/interface.d.ts',
      ],
      ['node_modules/typescript-native/bin/tsc', '-p', 'portal', '--noEmit'],
      ['node_modules/.bin/vite', 'build', 'portal', '--logLevel', 'error'],
    ],
  },
];

/** Builds the gateway and the portal into dist/. Each is built only if its sources have changed. */
export async function buildAll(log: (line: string) => void): Promise<void> {
  const waiting = () => log('another start is building: waiting until it ends');
  await withLock(`build ${root}`, waiting, async () => {
    for (const part of parts) await build(part);
  });
}

async function build({ inputs, output, commands, prepare, complete }: Part): Promise<void> {
  const marker = join(root, `${output}.inputs`);
  const wanted = await digest(inputs);
  const built = await readFile(marker, 'utf8').catch(() => '');
  if (built === wanted && existsSync(join(root, output))) return;
  await prepare?.();
  for (const command of commands) await run(command);
  await complete?.();
  await writeFile(marker, wanted);
}

async function run([script = '', ...args]: readonly string[]): Promise<void> {
  try {
    await execute(process.execPath, [join(root, script), ...args], { cwd: root, maxBuffer: 2 ** 26 });
  } catch (error) {
    const output = Output.safeParse(error).data;
    const said = output ? output.stdout + output.stderr : '';
    throw new Error(`${[script, ...args.slice(0, 1)].join(' ')} failed\n${said.trim()}`, { cause: error });
  }
}

/** Copies the assets of nest-cli.json, which are files that are not compiled, into dist/. */
async function copyAssets(): Promise<void> {
  const project = NestProject.parse(JSON.parse(await readFile(join(root, 'nest-cli.json'), 'utf8')));
  const sources = join(root, project.sourceRoot);
  for (const { include, outDir } of project.compilerOptions.assets)
    for await (const file of glob(include, { cwd: sources }))
      await cp(join(sources, file), join(root, outDir, file));
}

async function digest(inputs: string[]): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const input of inputs) {
    const files = input.includes('.') ? [''] : await filesBelow(join(root, input));
    for (const file of files)
      hash.update(`${input}/${file}\0`).update(await readFile(join(root, input, file)));
  }
  return hash.digest('hex');
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

if (import.meta.main) await buildAll(console.log);
