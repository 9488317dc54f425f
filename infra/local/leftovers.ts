import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const patienceMs = 15_000;
const Pids = z.record(z.string(), z.number().int().positive());

/** Writes the process ids of this stack to a file for the next start. */
export async function notePids(data: string, pids: Record<string, number>): Promise<void> {
  await writeFile(join(data, 'pids.json'), JSON.stringify(pids));
}

/**
 * Waits for processes of an earlier stack that was killed: the kernel has told them to end, and they must release their ports and files. It
 * kills those that do not end.
 */
export async function clearLeftovers(data: string, root: string, log: (line: string) => void): Promise<void> {
  const file = join(data, 'pids.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const pids = Object.values(Pids.safeParse(JSON.parse(text)).data ?? {});
  const deadline = Date.now() + patienceMs;
  let said = false;
  for (const pid of pids) {
    while (await isOurs(pid, data, root)) {
      if (!said) log('processes of an earlier start are still ending: waiting for them');
      said = true;
      if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
      await sleep(100);
    }
  }
  await rm(file, { force: true });
}

/** Whether a pid is still a process of the stack: its command line names the data folder or the project's folder. */
async function isOurs(pid: number, data: string, root: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes(`${data}/`) || command.includes(`${root}/dist/main.js`);
}
