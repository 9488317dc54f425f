import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import { multipartOf } from '../support/stow.body.ts';
import type { Caller, World } from '../support/world.ts';

let world: World;
let sender: Caller;

/** Sends bytes unchanged. Returns all bytes that are received until the connection ends or is idle for half a second. */
async function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname);
  let got = '';
  socket.setTimeout(500, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.write(text);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => resolve(got));
  });
}

/** Registers the tests of this file with the given gateway. */
export function registerAnswers(given: () => World): void {
  describe('answers', () => {
    beforeAll(async () => {
      world = given();
      sender = await world.machine([{ rights: ['studies:store', 'studies:read'], scope: { kind: 'all' } }]);
    });

    it('a body of only brackets is refused, and is not a 500', async () => {
      const brackets = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
      await world.http
        .post('/api/auth/login')
        .set('content-type', 'application/json')
        .send(`{"username":${brackets},"password":"x"}`)
        .expect(422);
    });

    it('a list is refused at once where no FHIR server is configured, and nobody is told to try again', async () => {
      const clerk = await world.person({ rights: ['records:import'], scope: { kind: 'all' } });
      const answer = await world.http
        .post('/api/imports')
        .set('authorization', clerk.authorization)
        .attach('file', Buffer.from('Nome,CPF\nAna,1\n'), 'list.csv');
      expect(answer.status).toBe(503);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.headers['retry-after']).toBeUndefined();
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'not-configured' });
      expect(answer.text).toContain('FHIR_BASE_URL');
    });

    describe('a request without credentials', () => {
      it('is 401 with a challenge, the same bytes for nothing, rubbish and a wrong key', async () => {
        const bodies = new Set<string>();
        for (const authorization of [
          '',
          'Bearer x',
          'Bearer rgk_wrong',
          'Basic eDp5',
          'Basic %%%',
          'Digest a',
          'Bearer',
        ]) {
          const answer = await world.http
            .get('/dicom-web/studies')
            .set('authorization', authorization)
            .expect(401);
          expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
          expect(answer.headers['www-authenticate']).toBe(
            'Bearer realm="radgate", Basic realm="radgate", charset="UTF-8"',
          );
          expect(answer.headers['cache-control']).toBe('no-store');
          bodies.add(answer.text);
        }
        expect([...bodies]).toHaveLength(1);
      });

      it.each([{ origin: 'https://elsewhere.example' }, { cookie: 'a=b' }, { 'sec-fetch-mode': 'cors' }])(
        'is challenged for Bearer alone when it looks like a browser: %j',
        async (headers) => {
          const answer = await world.http.get('/dicom-web/studies').set(headers).expect(401);
          expect(answer.headers['www-authenticate']).toBe('Bearer realm="radgate"');
        },
      );
    });

    it('an answer without Cache-Control of its own is not cached', async () => {
      const { authorization } = await world.admin();
      for (const path of ['/api/users', '/api/me', '/dicom-web/studies', '/nowhere']) {
        const answer = await world.http.get(path).set('authorization', authorization);
        expect([path, answer.headers['cache-control']]).toEqual([path, 'no-store']);
      }
      const keys = await world.http.get('/.well-known/jwks.json').expect(200);
      expect(keys.headers['cache-control']).toBe('public, max-age=5');
    });

    describe('request ids', () => {
      it('that are well formed come back, others are replaced', async () => {
        const answer = await world.http.get('/health/live').set('x-request-id', 'trace-0123456789');
        expect(answer.headers['x-request-id']).toBe('trace-0123456789');
        for (const id of ['short', 'a b c d e f g h', 'x'.repeat(65), '<script>alert']) {
          const other = await world.http.get('/dicom-web/studies').set('x-request-id', id).expect(401);
          expect(other.headers['x-request-id']).toMatch(/^[\w-]{36}$/);
        }
      });
    });

    describe('a request that cannot be parsed', () => {
      it.each([
        ['GET', '/', 404],
        ['GET', '/nowhere', 404],
        ['GET', '/api', 404],
        ['GET', '/api/nowhere', 404],
        ['POST', '/api/nowhere', 404],
        ['GET', '/wado/nowhere', 404],
        ['GET', '/health', 404],
        ['GET', '/health/nowhere', 404],
        ['GET', '/.well-known/nowhere', 404],
        ['GET', '/login', 404],
        ['GET', '/viewer/', 404],
        ['GET', '/dicom-web/nowhere', 404],
        ['GET', '/dicom-web/studies/1.2.3/', 404],
        ['DELETE', '/nowhere', 404],
        // A QUERY request without a body is refused before the gateway looks up its path.
        ['QUERY', '/nowhere', 400],
        ['TRACE', '/nowhere', 404],
        ['GET', '/dicom-web', 404],
        ['PUT', '/dicom-web/studies', 404],
        ['PATCH', '/dicom-web/studies', 404],
        ['GET', '/dicom-web/%zz', 400],
        ['GET', '/%c0%ae%c0%ae/', 400],
        ['GET', '/dicom-web/studies/%ff', 400],
      ])('%s %s is %i as a problem with its request id', async (method, path, status) => {
        const answer = await raw(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
        expect(answer.toLowerCase()).toContain('x-request-id: ');
        const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
        expect(JSON.parse(body)).toEqual({
          type: 'about:blank',
          title: status === 404 ? 'Not Found' : 'Bad Request',
          status,
          code: status === 404 ? 'not-found' : 'malformed-request',
          detail: expect.any(String),
        });
        expect(answer).not.toMatch(/at .*\.js|node_modules|FST_ERR/);
      });

      it('HEAD and OPTIONS answer without a body of their own and without opening anything', async () => {
        const study = freshUid();
        await world.store(sender, [makeInstance({ studyUid: study })]).expect(200);
        const { authorization } = sender;
        for (const method of ['HEAD', 'OPTIONS']) {
          const url = `${world.gateway.url}/dicom-web/studies/${study}`;
          const answer = await fetch(url, { method, headers: { authorization } });
          expect([404, 405]).toContain(answer.status);
          if (method === 'HEAD') expect(await answer.text()).toBe('');
        }
        const opened = await world.sql`select from audit where kind = 'opened' and study_uid = ${study}`;
        expect(opened).toHaveLength(0);
      });

      it.each([
        ['malformed JSON', '{"username":', 'application/json', 400],
        ['no JSON at all', '', 'application/json', 400],
        ['a poisoned prototype', '{"__proto__":{"admin":true}}', 'application/json', 400],
        ['another type', 'username=a', 'application/x-www-form-urlencoded', 415],
        ['a JSON body of two megabytes', `{"username":"${'x'.repeat(2 ** 21)}"}`, 'application/json', 413],
      ])('%s is a problem', async (_, body, type, status) => {
        const answer = await fetch(`${world.gateway.url}/api/auth/login`, {
          method: 'POST',
          headers: { 'content-type': type },
          body,
        });
        expect(answer.status).toBe(status);
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(await answer.text()).not.toContain('xxxx');
      });

      it('two requests in one body and malformed headers are refused', async () => {
        const smuggled = await raw(
          'POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
        );
        expect(smuggled).toMatch(/^HTTP\/1.1 400 /);
        expect(smuggled.match(/HTTP\/1.1/g)).toHaveLength(1);
        expect(await raw('GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
      });
    });

    describe('a large upload', () => {
      const megabyte = Buffer.alloc(2 ** 20, 1);

      /** Uploads 50 MB in chunks. Reads the response only after the whole body is sent or the connection is closed. */
      function upload(headers: Record<string, string>): Promise<{ status: number; sent: number }> {
        return new Promise((resolve, reject) => {
          let sent = 0;
          const sending = httpRequest(`${world.gateway.url}/dicom-web/studies`, { method: 'POST', headers });
          sending.on('response', (answer) => {
            answer.resume();
            answer.on('end', () => resolve({ status: answer.statusCode ?? 0, sent }));
          });
          sending.on('error', reject);
          const push = () => {
            while (sent < 50) {
              sent += 1;
              if (!sending.write(megabyte)) {
                sending.once('drain', push);
                return;
              }
            }
            sending.end();
          };
          push();
        });
      }

      it.each([
        ['no credentials', () => ({ 'content-type': 'application/dicom' }), 401],
        [
          'another media type',
          () => ({ 'content-type': 'text/csv', authorization: sender.authorization }),
          415,
        ],
        [
          'an encoding',
          () => ({
            'content-type': 'application/dicom',
            'content-encoding': 'gzip',
            authorization: sender.authorization,
          }),
          415,
        ],
      ])('with %s is refused without a reset, however the client reads', async (_, headers, status) => {
        for (let turn = 0; turn < longForm(3, 1); turn += 1)
          expect((await upload(headers())).status).toBe(status);
      });

      it('is told to go on before it sends anything', async () => {
        const { type, body } = multipartOf([makeInstance()]);
        const answer = await new Promise<{ continued: boolean; status: number | undefined }>(
          (resolve, reject) => {
            let continued = false;
            const sending = httpRequest(`${world.gateway.url}/dicom-web/studies`, {
              method: 'POST',
              headers: { 'content-type': type, authorization: sender.authorization, expect: '100-continue' },
            });
            sending.on('continue', () => {
              continued = true;
              sending.end(body);
            });
            sending.on('response', (response) => {
              response.resume();
              resolve({ continued, status: response.statusCode });
            });
            sending.on('error', reject);
            sending.flushHeaders();
          },
        );
        expect(answer).toEqual({ continued: true, status: 200 });
      });
    });
  });
}
