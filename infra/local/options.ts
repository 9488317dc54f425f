import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { parseArguments } from './arguments.ts';
import { reservePort } from './port.ts';

const defaults = { web: 8443, gateway: 3000, orthanc: 8042, dicom: 4242, postgres: 5433, hapi: 8080 };

export type PortName = keyof typeof defaults;
export type Ports = Record<PortName, number>;
export type StackOptions = { data: string; demo: boolean; hapi: boolean; ports: Partial<Ports> };

const Port = z.coerce.number().int().min(1).max(65_535);
const SavedPorts = z.partialRecord(z.enum(['web', 'gateway', 'orthanc', 'dicom', 'postgres', 'hapi']), Port);
const names = SavedPorts.keyType.options;

/** Parses the options of `npm start` (help.txt). The error messages are written for the person who typed the options. */
export function parseOptions(args: readonly string[], root: string): StackOptions {
  const ports = Object.fromEntries(names.map((name) => [`${name}-port`, { type: 'string' } as const]));
  const { values } = parseArguments({
    args: [...args],
    options: {
      ...ports,
      data: { type: 'string' },
      demo: { type: 'boolean', default: true },
      hapi: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const given = z.record(z.string(), z.union([z.string(), z.boolean(), z.undefined()])).parse(values);
  const chosen: Partial<Ports> = {};
  for (const name of names) {
    const text = given[`${name}-port`];
    if (text === undefined) continue;
    const port = Port.safeParse(text);
    if (!port.success) throw new Error(`--${name}-port must be a number from 1 to 65535`);
    chosen[name] = port.data;
  }
  const typedIn = process.env['INIT_CWD'] ?? process.cwd();
  const data = typeof values['data'] === 'string' ? resolve(typedIn, values['data']) : join(root, '.local');
  return { data, demo: values['demo'], hapi: values['hapi'], ports: chosen };
}

/** Creates the data folder if it is missing. Only its owner can read it. Returns its real path. */
export async function openDataFolder(data: string): Promise<string> {
  await mkdir(join(data, 'logs'), { recursive: true, mode: 0o700 });
  return await realpath(data);
}

/**
 * Returns a free port for each name. Prefers the requested port, then the port of the last start, then the default port. If the preferred
 * port is in use, takes the next free port and prints a message.
 */
export async function choosePorts(
  data: string,
  asked: Partial<Ports>,
  log: (line: string) => void,
): Promise<Ports> {
  const file = join(data, 'ports.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const saved = SavedPorts.parse(JSON.parse(text));
  const ports = { ...defaults };
  for (const name of names) {
    const wanted = asked[name] ?? saved[name] ?? defaults[name];
    ports[name] = await reservePort(wanted);
    if (ports[name] !== wanted) log(`port ${wanted} (${name}) is taken: using ${ports[name]}`);
  }
  await writeFile(file, JSON.stringify(ports));
  return ports;
}
