import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { withLock } from '../local/lock.ts';

const execute = promisify(execFile);
const project = import.meta.dirname;
const oldestJava = 17;
const packages = ['default-jdk-headless', 'maven'];
const Output = z.object({ stdout: z.string(), stderr: z.string() });

/**
 * Builds infra/hapi once in the cache folder and returns the folder with the jars. Maven downloads about 330 MB. The result needs Java 17
 * or newer, and the build also needs the Java compiler and Maven. If root runs the build, missing programs are installed with apt.
 * Otherwise the error message names the command that installs them. Several processes may call this function at the same time.
 */
export async function provideHapi(cacheDir: string, log: (line: string) => void): Promise<string> {
  const recipe = createHash('sha256');
  for (const file of await projectFiles())
    recipe.update(`${file}\0`).update(await readFile(join(project, file)));
  const folder = join(cacheDir, `hapi-${recipe.digest('hex').slice(0, 12)}`);
  await mkdir(cacheDir, { recursive: true });
  const waiting = () => log('another start is building HAPI: waiting until it ends');
  await withLock(folder, waiting, async () => {
    const whole = await isWhole(folder);
    await provideTools(whole ? ['java'] : ['java', 'javac', 'mvn'], log);
    if (!whole) await build(folder);
  });
  return folder;
}

async function provideTools(tools: readonly string[], log: (line: string) => void): Promise<void> {
  if (await haveTools(tools)) return;
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (process.getuid?.() !== 0)
    throw new Error(`Java ${oldestJava} and Maven are missing: sudo apt-get ${install.join(' ')}`);
  log(`installing ${packages.join(' and ')} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], install])
    await run(['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], { env });
  if (!(await haveTools(tools)))
    throw new Error(`${tools.join(', ')} of Java ${oldestJava} or newer cannot be found`);
}

async function haveTools(tools: readonly string[]): Promise<boolean> {
  const found = await Promise.all(tools.map((tool) => (tool === 'mvn' ? answers(tool) : isNewEnough(tool))));
  return found.every(Boolean);
}

async function answers(tool: string): Promise<boolean> {
  return await execute(tool, ['--version']).then(
    () => true,
    () => false,
  );
}

/**
 * Whether a tool has version 17 or newer. `java --version` prints "openjdk 17.0.15 …", `javac --version` prints "javac 17.0.15". Versions
 * before 9 do not support the option `--version`.
 */
async function isNewEnough(tool: string): Promise<boolean> {
  const answer = await execute(tool, ['--version']).catch(() => ({ stdout: '' }));
  return Number(/^\S+ (\d+)/.exec(answer.stdout)?.[1] ?? 0) >= oldestJava;
}

/** Builds in a temporary folder and renames the folder at the end. An interrupted build therefore leaves no partial result. */
async function build(folder: string): Promise<void> {
  const work = `${folder}.making`;
  await rm(work, { recursive: true, force: true });
  try {
    for (const file of await projectFiles()) await cp(join(project, file), join(work, file));
    // Maven is stopped when this process ends. Maven keeps its downloads, so offline mode is possible in a later build.
    const maven = ['setpriv', '--pdeathsig', 'TERM', '--', 'nice', '-n', '10', 'mvn', '-q', '-B'];
    await run([...maven, '-o', 'package'], { cwd: work }).catch(() =>
      run([...maven, 'package'], { cwd: work }),
    );
    const made = join(work, 'made');
    await mkdir(made);
    await rename(join(work, 'target/lib'), join(made, 'lib'));
    await rename(join(work, 'target/radgate-fhir.jar'), join(made, 'radgate-fhir.jar'));
    await writeFile(join(made, 'digest'), await digest(made));
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function run(command: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv }): Promise<void> {
  const [program = '', ...args] = command;
  try {
    await execute(program, args, { ...options, maxBuffer: 2 ** 26 });
  } catch (error) {
    const output = Output.safeParse(error).data;
    const said = output ? (output.stdout + output.stderr).trim().split('\n').slice(-6) : [String(error)];
    throw new Error(`${command.join(' ')} failed\n${said.join('\n')}`, { cause: error });
  }
}

async function projectFiles(): Promise<string[]> {
  return ['pom.xml', ...(await filesBelow(join(project, 'src'))).map((file) => join('src', file))];
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

async function isWhole(folder: string): Promise<boolean> {
  const expected = await readFile(join(folder, 'digest'), 'utf8').catch(() => undefined);
  return expected !== undefined && expected === (await digest(folder));
}

/** Returns one hash over the path and content of every file. The hash detects a truncated or changed file. */
async function digest(folder: string): Promise<string> {
  const all = createHash('sha256');
  for (const path of (await filesBelow(folder)).filter((path) => path !== 'digest'))
    all.update(`${path}\0`).update(await readFile(join(folder, path)));
  return all.digest('hex');
}
