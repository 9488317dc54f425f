import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Engine } from './engine.ts';
import { writeSettings } from './init.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const Service = z.looseObject({
  ID: z.string(),
  Service: z.string(),
  State: z.string(),
  Health: z.string(),
  ExitCode: z.number(),
});
export type Service = z.infer<typeof Service>;

/** A copy of the repository in which `docker compose` runs. */
export type ComposeFolder = {
  folder: string;
  /** Runs `docker compose …` there. */
  compose: (...args: readonly string[]) => Promise<string>;
  /** All containers of the project, by the name of the service. */
  services: () => Promise<ReadonlyMap<string, Service>>;
};

/** Copies the files of the repository to `folder`, readable by the owner alone, as a clone with umask 077 has them. */
export async function copyRepository(folder: string): Promise<void> {
  const listed = await execute('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 2 ** 26,
  });
  for (const path of listed.stdout.split('\0').filter((path) => path !== '')) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await cp(join(root, path), target);
  }
  await execute('chmod', ['-R', 'go-rwx', folder]);
}

/** Makes a copy of the repository with a new `.env`, as `npm run init` writes it. `settings` are added to `.env`. */
export async function makeComposeFolder(
  engine: Engine,
  folder: string,
  options: { webPort: number; httpPort: number; secretFiles?: boolean; settings?: Record<string, string> },
): Promise<ComposeFolder> {
  await copyRepository(folder);
  await writeSettings(root, {
    url: `https://localhost:${options.webPort}`,
    tlsDir: 'self-signed',
    admin: 'admin',
    secretFiles: options.secretFiles ?? false,
    folder,
  });
  const settings = { HTTP_PORT: `${options.httpPort}`, ...options.settings };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await appendFile(join(folder, '.env'), lines.join(''));
  return openComposeFolder(engine, folder);
}

/** A folder that `makeComposeFolder` made. */
export function openComposeFolder(engine: Engine, folder: string): ComposeFolder {
  const compose = (...args: readonly string[]) => engine.run(['docker', 'compose', ...args], { cwd: folder });
  const services = async () => {
    const text = await compose('ps', '--all', '--format', 'json');
    const lines = text.split('\n').filter((line) => line.startsWith('{'));
    const found = lines.map((line) => Service.parse(JSON.parse(line)));
    return new Map(found.map((service) => [service.Service, service]));
  };
  return { folder, compose, services };
}
