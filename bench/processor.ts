import { readdir, readFile } from 'node:fs/promises';

/** The unit of the times in /proc/PID/stat on Linux. */
const TICKS_PER_SECOND = 100;

/** Returns the processor time in seconds that a process has used up to now. */
export async function processorSeconds(pid: number): Promise<number> {
  return (await statOf(pid)).own;
}

/**
 * Returns the processor time in seconds that PostgreSQL has used up to now, in all its processes. `pid` is the process that accepts the
 * connections.
 */
export async function processorOfPostgres(pid: number): Promise<number> {
  const main = await statOf(pid);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  // A process can end meanwhile. The main process then counts its time.
  const all = await Promise.all(pids.map((one) => statOf(one).catch(() => undefined)));
  return all.reduce((sum, one) => sum + (one?.parent === pid ? one.own : 0), main.own + main.ended);
}

/** The parent of a process, its own processor time, and the time of its children that have ended, in seconds. */
async function statOf(pid: number): Promise<{ parent: number; own: number; ended: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [, parent = 0, ...fields] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(9, 13);
  return {
    parent,
    own: (user + system) / TICKS_PER_SECOND,
    ended: (endedUser + endedSystem) / TICKS_PER_SECOND,
  };
}
