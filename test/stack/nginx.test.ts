import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Running } from '../../infra/local/launch.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { startNginx } from '../../infra/local/nginx.ts';
import { openPrefix } from '../../infra/local/prefix.ts';

// The test is only about nginx. Instead of the gateway, a test server returns the requests that nginx forwards.
let folder: string;
let gateway: Server;
let nginx: Running;
let origin: string;
let firstBytes: (length: number) => void = () => undefined;
const trusting = new Agent({ connect: { rejectUnauthorized: false } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'radgate-nginx-'));
  const [portal, viewer] = [join(folder, 'portal'), join(folder, 'viewer')];
  await mkdir(join(portal, 'portal/assets'), { recursive: true });
  await mkdir(viewer);
  await writeFile(join(portal, 'login.html'), 'the sign-in page');
  await writeFile(join(portal, 'index.html'), 'a page with STYLE_NONCE');
  await writeFile(join(portal, 'api.docs.html'), 'the page of the API');
  await writeFile(join(portal, 'portal/assets/login-abc.js'), '1');
  await writeFile(join(viewer, 'index.html'), 'the viewer');
  await writeFile(join(viewer, 'app.bundle.0123456789abcdef.js'), '1');
  gateway = createServer((incoming, answer) => {
    incoming.once('data', (bytes: Buffer) => firstBytes(bytes.length));
    incoming.resume();
    incoming.once('end', () => answer.end(JSON.stringify({ url: incoming.url, headers: incoming.headers })));
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const address = gateway.address();
  const gatewayPort = typeof address === 'object' && address ? address.port : 0;
  const port = await reserveAnyPort();
  const prefix = openPrefix(inject('prefix'));
  nginx = await startNginx({
    prefix,
    dir: join(folder, 'nginx'),
    logs: folder,
    port,
    gatewayPort,
    portal,
    viewer,
    cache: folder,
  });
  origin = `https://localhost:${port}`;
});
afterAll(async () => {
  await trusting.close();
  await nginx.stop();
  gateway.close();
  await rm(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${origin}${path}`, { dispatcher: trusting, redirect: 'manual', headers });

it('serves the sign-in page and, with its query, the viewer', async () => {
  expect(await (await get('/login')).text()).toBe('the sign-in page');
  const entry = await get('/viewer?StudyInstanceUIDs=1.2.3');
  expect(entry.headers.get('location')).toBe('/viewer/viewer?StudyInstanceUIDs=1.2.3');
  expect(await (await get('/viewer/viewer?StudyInstanceUIDs=1.2.3')).text()).toBe('the viewer');
});

it('serves the pages of the portal, each answer with a nonce of its own for style elements', async () => {
  const router = await readFile(join(import.meta.dirname, '../../portal/app/router.tsx'), 'utf8');
  const pages = [...router.matchAll(/path: '(\/[a-z]*)'/g)].map(([, path]) => path ?? '');
  expect(pages.length).toBeGreaterThan(3);
  const nonces = new Set<string>();
  for (const page of [...pages, '/studies/1.2.840.10008', '/studies?modality=CT']) {
    const answer = await get(page);
    const [, nonce = ''] = /^a page with ([0-9a-f]{32})$/.exec(await answer.text()) ?? [];
    const policy = answer.headers.get('content-security-policy');
    expect(policy, page).toContain(`style-src 'self' 'nonce-${nonce}';`);
    expect([answer.headers.get('cache-control'), answer.headers.get('etag')]).toEqual(['no-cache', null]);
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(pages.length + 2);
});

it('serves the page of the API, with no script, style or request of another origin', async () => {
  const answer = await get('/api/docs');
  expect(await answer.text()).toBe('the page of the API');
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';/);
  expect(policy).not.toContain('unsafe');
});

it('keeps files named by their content for ever, pages never, and has no page for a missing file', async () => {
  const cached = async (path: string) => (await get(path)).headers.get('cache-control');
  expect(await cached('/viewer/app.bundle.0123456789abcdef.js')).toContain('immutable');
  expect(await cached('/portal/assets/login-abc.js')).toContain('immutable');
  expect(await cached('/viewer/viewer')).toBe('no-cache');
  expect(await cached('/login')).toBe('no-cache');
  expect((await get('/viewer/old.bundle.ffffffffffffffff.js')).status).toBe(404);
});

it('isolates the origin, strictly for the portal, as far as decoders allow for the viewer', async () => {
  const [portal, viewer, api] = [await get('/login'), await get('/viewer/'), await get('/dicom-web/studies')];
  for (const { headers } of [portal, viewer, api]) {
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  }
  expect(portal.headers.get('content-security-policy')).toContain("script-src 'self';");
  expect(viewer.headers.get('content-security-policy')).toContain("'wasm-unsafe-eval'");
  expect(api.headers.get('content-security-policy')).toBeNull();
});

it('tells the gateway where a request comes from, whatever the client says', async () => {
  const claims = { 'x-forwarded-for': '9.9.9.9', 'x-real-ip': '9.9.9.9', forwarded: 'for=9.9.9.9' };
  const seen = await (await get('/api/me?a=%2f', { ...claims, 'x-request-id': 'mine-mine' })).json();
  expect(seen).toMatchObject({
    url: '/api/me?a=%2f',
    headers: { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', host: new URL(origin).host },
  });
  expect(JSON.stringify(seen)).not.toMatch(/9\.9\.9\.9|mine-mine/);
});

/** The HSTS header of the answer to a request with this Host header. */
const transportFor = async (host: string) => {
  const asked = request(`${origin}/login`, { headers: { host }, rejectUnauthorized: false }).end();
  const answer = await new Promise<IncomingMessage>((resolve) => asked.once('response', resolve));
  answer.resume();
  return answer.headers['strict-transport-security'];
};

it('sends HSTS only for names other than localhost', async () => {
  expect(await transportFor('images.example.org')).toBe('max-age=31536000');
  expect(await transportFor('localhost:8443')).toBeUndefined();
  expect(await transportFor('127.0.0.1:8443')).toBeUndefined();
});

it('permits the sign-ins of a clinic and limits a flood', async () => {
  const login = () => get('/api/auth/login');
  const answers = await Promise.all(Array.from({ length: 60 }, login));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(30);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(await refused[0]?.json()).toMatchObject({ status: 429, code: 'too-many-sign-ins' });
  expect((await get('/api/me')).status).toBe(200);
});

it('keeps patients and studies out of its logs', async () => {
  await get('/dicom-web/studies/1.2.34567/metadata?PatientName=Protokoll');
  await get('/login?next=/viewer/viewer?StudyInstanceUIDs=1.2.34567');
  await get('/studies/1.2.34567');
  const log = () => readFile(join(folder, 'nginx.access.log'), 'utf8');
  await expect.poll(log).toMatch(/GET \/dicom-web\/studies 200/);
  await expect.poll(log).toMatch(/GET \/login.html 200/);
  await expect.poll(log).toMatch(/GET \/index.html 200/);
  expect((await log()) + (await readFile(join(folder, 'nginx.log'), 'utf8'))).not.toMatch(
    /1\.2\.34567|Protokoll/,
  );
});

it('does not pass the metrics on, in any spelling of the path', async () => {
  for (const path of ['/metrics', '/api/../metrics', '/dicom-web/%2e%2e/metrics', '//metrics'])
    expect((await raw('GET', path)).status, path).toBe(404);
});

it.each([
  ['GET', `/dicom-web/studies?PatientName=${'x'.repeat(20_000)}`, 414],
  ['GET', '/api/%zz', 400],
  ['TRACE', '/api/me', 405],
  ['GET', '/metrics', 404],
  ['GET', '/.well-known/nothing', 404],
  ['GET', '/problem', 404],
  ['GET', '/nothing', 404],
  ['GET', '/nothing.js', 404],
  ['GET', '/dicom-webs', 404],
  ['GET', '/apis/me', 404],
  ['GET', '/portal', 404],
  ['GET', '/portal/', 404],
  ['GET', '/portal/assets/missing.js', 404],
  ['GET', '/viewer/missing.js', 404],
  ['GET', '/a/../../etc/passwd', 400],
  ['POST', '/login', 405],
  ['PUT', '/nothing', 404],
])('its own refusals have the form of the gateway’s problems: %s %.30s is %i', async (...asked) => {
  const [method, path, status] = asked;
  const answer = await raw(method, path);
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  expect(JSON.parse(answer.body)).toEqual({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    code: expect.stringMatching(/^[a-z-]+$/),
    detail: expect.any(String),
  });
});

it('headers that are too long are also answered with a problem', async () => {
  const answer = await raw('GET', '/api/me', { 'x-long': 'x'.repeat(20_000) });
  expect([answer.status, answer.headers['content-type']]).toEqual([431, 'application/problem+json']);
});

it('passes an upload on while it is still being sent', async () => {
  const arrived = new Promise<number>((resolve) => (firstBytes = resolve));
  const upload = request(`${origin}/dicom-web/studies`, { method: 'POST', rejectUnauthorized: false });
  upload.write(Buffer.alloc(100_000));
  expect(await arrived).toBeGreaterThan(0);
  upload.end();
  const [answer] = await once(upload, 'response');
  expect(answer.statusCode).toBe(200);
  answer.resume();
});

it('speaks HTTP/2', async () => {
  const session = connect(origin, { rejectUnauthorized: false });
  await once(session, 'connect');
  expect(session.alpnProtocol).toBe('h2');
  session.close();
});

it('answers 503 with Retry-After while the gateway is away', async () => {
  gateway.closeAllConnections();
  await new Promise((closed) => gateway.close(closed));
  const answer = await get('/dicom-web/studies');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  await get('/dicom-web/studies?PatientName=Protokoll');
  expect(await readFile(join(folder, 'nginx.log'), 'utf8')).not.toContain('Protokoll');
});

/** Sends a path unchanged. `fetch` would normalise the path. */
async function raw(method: string, path: string, headers: Record<string, string> = {}) {
  const asked = request(origin, { method, path, headers, rejectUnauthorized: false }).end();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
  });
  const body = Buffer.concat(await answer.toArray()).toString();
  return { status: answer.statusCode, headers: answer.headers, body };
}
