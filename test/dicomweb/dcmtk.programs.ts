import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { openPrefix } from '../../infra/local/prefix.ts';

const execute = promisify(execFile);

/** Calls a DCMTK program with `options`, the input file and the output file. Returns the content of the output file. */
export async function byDcmtk(
  program: string,
  options: readonly string[],
  file: Buffer | string,
): Promise<Buffer> {
  const prefix = openPrefix(inject('prefix'));
  const dir = await mkdtemp(join(tmpdir(), 'radgate-dcmtk-'));
  try {
    await writeFile(join(dir, 'in'), file);
    const [command = '', ...args] = prefix.command(
      `usr/bin/${program}`,
      ...options,
      join(dir, 'in'),
      join(dir, 'out'),
    );
    const env = { DCMDICTPATH: join(prefix.folder, 'usr/share/dcmtk/dicom.dic') };
    await execute(command, args, { env });
    return await readFile(join(dir, 'out'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
