import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startRecordingProxy } from '../support/recording.proxy.ts';
import { RequestObserver } from '../support/request.observer.ts';
import { CLIENT_CANARY, faultsOf, type UpstreamRequest } from '../support/upstream.grammar.ts';

const account = { host: '127.0.0.1:8042', authorization: 'Basic eDp5' };
const id = Array.from({ length: 5 }, () => '0123abcd').join('-');

function request(method: string, target: string, ...more: (readonly [string, string])[]): UpstreamRequest {
  return { method, target, headers: [...Object.entries(account), ...more] };
}

describe('the grammar of permitted requests to the archive', () => {
  it.each([
    ['GET', '/changes?since=12&limit=100'],
    ['GET', `/instances/${id}/content/0040-a730/0/0008-0100`],
    ['GET', '/dicom-web/studies/1.2/series/1.3/instances/1.4/metadata'],
    ['POST', '/instances'],
  ])('holds %s %s', (method, target) => {
    expect(faultsOf(request(method, target), account)).toEqual([]);
  });

  it.each([
    ['POST', '/tools/execute-script'],
    ['GET', '/dicom-web/studies?PatientID=*'],
    ['GET', '/dicom-web/studies/1.2/series/..%2fsystem/metadata'],
    ['GET', `/instances/${id}/../../system`],
    ['GET', `/instances/${id}/content/0040-a730/../file`],
    ['GET', `/instances/${id}/file?transcode=1.2.840.10008.1.2.1`],
    ['GET', `/instances/${id}/frames/0/rendered`],
    ['GET', `/instances/${id}/preview`],
    ['DELETE', `/studies/${id}`],
    ['PUT', '/changes?last'],
  ])('does not hold %s %s', (method, target) => {
    expect(faultsOf(request(method, target), account)).toHaveLength(1);
  });

  it.each([
    ['x-forwarded-for', '127.0.0.1'],
    ['cookie', 'session=x'],
    ['accept', CLIENT_CANARY],
    ['authorization', 'Bearer x'],
    ['range', 'bytes=0-1'],
  ])('holds no header %s: %s', (name, value) => {
    expect(faultsOf(request('GET', '/system', [name, value]), account)).not.toEqual([]);
  });
});

const wire = [
  'GET /system HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /instances HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
  '4\r\nGET \r\nA;x=y\r\n/b HTTP/1.\r\n0\r\n\r\n',
  'POST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n',
  'DELETE /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n',
].join('');

it('requests are told apart wherever their bytes are split', () => {
  for (let size = 1; size <= wire.length; size += 1) {
    const seen: string[] = [];
    const observer = new RequestObserver(({ method, target }) => seen.push(`${method} ${target}`));
    for (let at = 0; at < wire.length; at += size)
      observer.feed(Buffer.from(wire.slice(at, at + size), 'latin1'));
    expect(seen).toEqual(['GET /system', 'POST /instances', 'POST /b', 'DELETE /c']);
  }
});

it('a request outside the grammar is passed on, counted, and reported at the end of the run', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-proxy-'));
  const archive = createServer((incoming, outgoing) => outgoing.end(incoming.url));
  await new Promise<void>((resolve) => archive.listen(0, '127.0.0.1', resolve));
  const address = archive.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const report = join(dir, 'faults');
  const target = `http://127.0.0.1:${address.port}`;
  const proxy = await startRecordingProxy(target, { username: 'x', password: 'y' }, report);
  try {
    const answer = await fetch(`${proxy.url}/tools/reset`, { headers: { authorization: 'Basic eDp5' } });
    expect(await answer.text()).toBe('/tools/reset');
    expect(proxy.requests).toHaveLength(1);
    expect(proxy.faults[0]).toContain('GET /tools/reset is no call');
    await expect
      .poll(() => readFile(report, 'utf8').catch(() => ''))
      .toContain('GET /tools/reset is no call');
  } finally {
    await proxy.stop();
    archive.closeAllConnections();
    archive.close();
    await rm(dir, { recursive: true, force: true });
  }
});
