import * as z from 'zod';
import { GatewayClient } from '../demo/gateway.client.ts';
import { patientFile } from '../demo/patients.file.ts';
import { followImport, uploadList } from '../demo/records.client.ts';

const Login = z.object({ access_token: z.string() });

/** Sends the sample list once HAPI answers; at later starts the gateway knows the file. Says what it gave. */
export async function loadSampleList(options: {
  gateway: string;
  admin: { username: string; password: string };
  log: (line: string) => void;
}): Promise<void> {
  const { gateway, admin, log } = options;
  const login = await new GatewayClient(gateway).json('/api/auth/login', Login, {
    method: 'POST',
    body: admin,
  });
  const token = login.body?.access_token ?? '';
  const file = Uint8Array.from(patientFile());
  const { id, isNew } = await uploadList({ gateway, token }, file, { mapping: 'brazil-hospital' });
  if (!isNew) return;
  const end = await followImport(new GatewayClient(gateway, token), id, () => undefined);
  log(`demo: the sample list of ${end.rows_total} rows: ${end.created} patients created, ${end.status}`);
}
