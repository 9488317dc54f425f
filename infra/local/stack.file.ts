import { rename, writeFile } from 'node:fs/promises';

/** The content of `stack.json`. */
export type Stack = {
  web: string;
  gateway: string;
  /** The bearer token for `GET /metrics` on the gateway's own port. */
  metrics_token: string;
  admin: { username: string; password: string };
  people?: { username: string; password: string; group: string }[];
  orthanc: { url: string; username: string; password: string; dicom: string; aet: string };
  fhir?: { url: string };
  database: { url: string };
  pids: { gateway: number; orthanc: number; postgres: number; nginx: number; hapi?: number };
};

/** Writes the file atomically. Only its owner can read it. */
export async function writeStackFile(file: string, stack: Stack): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(stack, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Returns the content of `stack.json` as text for a terminal. */
export function describe(stack: Stack, file: string): string {
  const people = (stack.people ?? []).map(
    ({ username, password, group }) => `              ${username} / ${password}   (${group})`,
  );
  return `
  Portal      ${stack.web}   (its certificate is self-signed: your browser will ask once)
  Viewer      ${stack.web}/viewer/
  API         ${stack.web}/dicom-web, or ${stack.gateway}/dicom-web
  C-STORE     ${stack.orthanc.dicom}, AE title ${stack.orthanc.aet}
${stack.fhir ? `  FHIR        ${stack.fhir.url}   (takes about half a minute longer)\n` : ''}  Admin       ${stack.admin.username} / ${stack.admin.password}
${people.length > 0 ? `  People\n${people.join('\n')}\n` : ''}
  All of this is in ${file}. ^C stops the stack.
`;
}
