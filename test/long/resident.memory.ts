import { readFile, writeFile } from 'node:fs/promises';

/** Resident memory of a process in MiB from /proc: the current value, and the peak since {@link forgetPeak}. */
export async function residentOf(pid: number): Promise<{ now: number; most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (what: string) => Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { now: read('VmRSS'), most: read('VmHWM') };
}

/** Resets the peak (proc(5), clear_refs). */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** Prints a line with measured values during the run. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
