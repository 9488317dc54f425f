import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { answersOk, launch, until, type Running } from './launch.ts';
import { thriftyMemory } from './memory.settings.ts';
import type { Prefix } from './prefix.ts';

const sharedConfiguration = join(import.meta.dirname, '../orthanc/orthanc.json');
const plugins = ['libOrthancDicomWeb.so', 'libOrthancGdcm.so'];

export type OrthancOptions = {
  prefix: Prefix;
  /** The folder for the index, files, configuration and log. */
  dir: string;
  httpPort: number;
  dicomPort: number;
  aet: string;
  username: string;
  password: string;
  log?: string;
};

export type Orthanc = Running & { url: string };

/** Starts Orthanc with the plugins DICOMweb and GDCM. HTTP and DICOM are available on 127.0.0.1 only. The given user is the only user. */
export async function startOrthanc(options: OrthancOptions): Promise<Orthanc> {
  const { prefix, dir, httpPort, username, password } = options;
  const storage = join(dir, 'storage');
  const temporary = join(dir, 'temporary');
  for (const folder of [storage, temporary]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const shared = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(await readFile(sharedConfiguration, 'utf8')));
  const configuration = {
    ...shared,
    StorageDirectory: storage,
    IndexDirectory: storage,
    TemporaryDirectory: temporary,
    HttpPort: httpPort,
    DicomPort: options.dicomPort,
    DicomAet: options.aet,
    RegisteredUsers: { [username]: password },
    Plugins: plugins.map((name) => join(prefix.folder, 'usr/share/orthanc/plugins', name)),
  };
  const file = join(dir, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration, undefined, 2), { mode: 0o600 });
  const running = await launch({
    command: prefix.orthancCommand(file),
    env: { ...thriftyMemory, DCMDICTPATH: join(prefix.folder, 'usr/share/dcmtk/dicom.dic') },
    log: options.log ?? join(dir, 'orthanc.log'),
  });
  const url = `http://127.0.0.1:${httpPort}`;
  await until('Orthanc', running, () => answersOk(`${url}/system`, `${username}:${password}`));
  return { ...running, url };
}
