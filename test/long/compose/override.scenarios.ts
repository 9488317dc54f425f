import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../../infra/demo/dicom.writer.ts';
import { reserveAnyPort } from '../../../infra/local/port.ts';
import { cacheFolder, providePrefix } from '../../../infra/local/prefix.ts';
import { startTestProvider } from '../../support/oidc.ts';
import { tell } from '../resident.memory.ts';
import type { ComposeWorld } from './compose.world.ts';
import { ExternalBrowser } from './external.browser.ts';
import { GET, heard, startHostServer } from './network.probe.ts';

const execute = promisify(execFile);
const FILES = ['docker-compose.yml', 'docker-compose.oidc.yml', 'docker-compose.dicom.yml'];
const Keys = z.object({ keys: z.array(z.looseObject({ n: z.string().optional() })) });
const Sessions = z.looseObject({ items: z.array(z.looseObject({ address: z.string().nullish() })) });

/** The address of this machine on a network of the stack. */
const hostOn = async (world: ComposeWorld, network: string) => {
  const format = '{{range .IPAM.Config}}{{.Gateway}}{{end}}';
  return (await world.run('docker', 'network', 'inspect', '-f', format, network)).trim();
};

/** docker-compose.oidc.yml and docker-compose.dicom.yml together, and docker-compose.secrets.yml. */
export function registerOverrides(world: () => ComposeWorld): void {
  it('gives the gateway a route outside, and the audit still has the address of each client', async () => {
    const dicomPort = await reserveAnyPort();
    await world().set({ COMPOSE_FILE: FILES.join(':'), DICOM_BIND: '127.0.0.1', DICOM_PORT: `${dicomPort}` });
    await world().compose('up', '-d', '--wait');

    const outside = await startHostServer();
    const url = `http://${await hostOn(world(), 'radgate_outbound')}:${outside.port}`;
    const script = `fetch('${url}').then((a) => a.text()).then(console.log)`;
    expect((await world().inside('gateway', 'node', '-e', script)).text.trim()).toBe(outside.says);
    outside.stop();

    const admin = await world().administrator();
    const headers = await world().signIn(admin);
    const sessions = await world().ask('/api/me/sessions', { headers });
    const seen = Sessions.parse(JSON.parse(sessions.body.toString())).items.map((item) => item.address);
    // nginx sees the connections of this machine as those of its network `outside`, not of the gateway's.
    const docker = await hostOn(world(), 'radgate_outside');
    tell(`addresses of sessions: ${JSON.stringify([...new Set(seen)])}`);
    expect(seen[0]).toBe(docker);
  });

  it('signs people in at an OpenID Connect provider with a certificate of a private authority', async () => {
    const host = await hostOn(world(), 'radgate_outbound');
    const [cert, key] = [join(world().directory, 'authority.pem'), join(world().directory, 'authority.key')];
    const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=IP:${host}`];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
    await execute('openssl', ['req', '-x509', '-days', '2', '-out', cert, ...kind, ...names]);
    const files = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    const provider = await startTestProvider(`${world().web}/api/auth/oidc/callback`, { host, ...files });
    await world().set({
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: `'${provider.clientSecret}'`,
      EXTRA_CA_FILE: cert,
    });
    await world().compose('up', '-d', '--wait');
    provider.stranger = { sub: 'stranger-1', preferred_username: 'stranger', name: 'Dr. Ada Stranger' };
    const browser = new ExternalBrowser(world());
    await browser.follow(`${world().web}/api/auth/oidc/login?next=%2Fviewer%2F`, `${world().web}/viewer/`);
    const me = await browser.get(`${world().web}/api/me`);
    expect(me).toMatchObject({ status: 200, text: expect.stringContaining('Dr. Ada Stranger') });
    await provider.stop();
  });

  it('stores what a modality sends by C-STORE, and Orthanc has no route outside', async () => {
    const port = /^DICOM_PORT=(\d+)$/m.exec(await world().run('cat', '.env'))?.[1] ?? '';
    const prefix = await providePrefix(cacheFolder(), tell);
    const folder = await mkdtemp(join(tmpdir(), 'radgate-cstore-'));
    const [studyUid, seriesUid, sopUid] = [freshUid(), freshUid(), freshUid()];
    const file = join(folder, 'image.dcm');
    await writeFile(file, makeInstance({ studyUid, seriesUid, sopUid }));
    const [program = '', ...args] = prefix.command(
      'usr/bin/storescu',
      '-aec',
      'ORTHANC',
      '127.0.0.1',
      port,
      file,
    );
    const dictionary = join(prefix.folder, 'usr/share/dcmtk/dicom.dic');
    await execute(program, args, { env: { ...process.env, DCMDICTPATH: dictionary } });
    await rm(folder, { recursive: true });
    const headers = await world().signIn(await world().administrator());
    await expect
      .poll(async () => (await world().ask(`/dicom-web/studies/${studyUid}/metadata`, { headers })).status, {
        timeout: 20_000,
      })
      .toBe(200);
    const host = await startHostServer();
    const reached = async (from: string) => {
      const answers = host.addresses.map((address) => heard(world(), from, address, host.port, GET));
      return (await Promise.all(answers)).some((answer) => answer.includes(host.says));
    };
    expect({ dicom: await reached('dicom'), orthanc: await reached('orthanc') }).toEqual({
      dicom: true,
      orthanc: false,
    });
    host.stop();
  });

  it('signs access tokens with the key of JWT_PRIVATE_KEY_FILE', async () => {
    const key = join(world().directory, 'jwt.pem');
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await chown(key, 1000, 1000);
    await world().set({ JWT_PRIVATE_KEY_FILE: key });
    await world().compose('up', '-d', '--wait');
    const { body } = await world().ask('/.well-known/jwks.json');
    const { keys } = Keys.parse(JSON.parse(body.toString()));
    expect(keys.map(({ n }) => n)).toContain(publicKey.export({ format: 'jwk' }).n);
  });

  it('reads every secret from a file, and no container shows one', async () => {
    await world().compose('down', '--volumes');
    await world().startWithSecretFiles();
    const services = await world().project.services();
    const secrets = await world().secrets();
    expect(secrets.length).toBeGreaterThan(6);
    for (const { ID, Service } of services.values()) {
      const text = await world().run('docker', 'inspect', ID);
      for (const secret of secrets) expect(text.includes(secret), Service).toBe(false);
    }
    await world().signIn(await world().administrator());
    const ready = await world().ask('/health/ready');
    expect(ready.status).toBe(200);
  });
}
