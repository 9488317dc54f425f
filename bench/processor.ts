import { readFile } from 'node:fs/promises';

/** The unit of the times in /proc/PID/stat on Linux. */
const TICKS_PER_SECOND = 100;

/** Returns the processor time in seconds that a process has used up to now. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
