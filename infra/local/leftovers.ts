import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const patienceMs = 15_000;
const Pids = z.record(z.string(), z.number().int().positive());

/** Writes the process ids of this stack to a file, which the next start reads. */
export async function notePids(data: string, pids: Record<string, number>): Promise<void> {
  await writeFile(join(data, 'pids.json'), JSON.stringify(pids));
}

/**
 * Waits until all processes of an earlier stack that was killed have ended. The kernel has already sent a signal to these processes, but
 * they still occupy ports and files. Kills the processes that do not end in time.
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

/**
 * Whether a process with this pid belongs to the stack. The command line of such a process contains the data folder or the project's
 * folder.
 */
async function isOurs(pid: number, data: string, root: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes(`${data}/`) || command.includes(`${root}/dist/main.js`);
}
