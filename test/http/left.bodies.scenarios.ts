import { Agent, request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import { multipartOf } from '../support/stow.body.ts';
import type { Caller, World } from '../support/world.ts';

let world: World;

let sender: Caller;

let clerk: Caller;

/** Sends one request on the only connection of the HTTP agent. Sends the body in two pieces. */
function send(agent: Agent, method: string, path: string, headers: object, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${world.gateway.url}${path}`, { agent, method, headers: { ...headers } });
    outgoing.on('error', reject);
    outgoing.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.write(body.subarray(0, 1000));
    setImmediate(() => outgoing.end(body.subarray(1000)));
  });
}

const rest = Buffer.alloc(300_000, 'x');

const form = (text: string) => Buffer.concat([Buffer.from(text), rest]);

/** The scenarios of bodies that the gateway refuses before their end. The gateway needs the URL of a FHIR server. */
export function registerLeftBodies(shared: () => World): void {
  describe('refused bodies', () => {
    beforeAll(async () => {
      // No server listens at this URL. Without a configured FHIR server, the gateway would refuse the upload.
      world = shared();
      sender = await world.machine();
      clerk = await world.machine([{ rights: ['records:import'], scope: { kind: 'all' } }]);
    });

    it.each([
      ['no DICOM', '/dicom-web/studies', 409, () => ({ type: 'application/dicom', body: rest })],
      [
        'DICOM of no sound header',
        '/dicom-web/studies',
        409,
        () => ({ type: 'application/dicom', body: Buffer.concat([makeInstance().subarray(0, 200), rest]) }),
      ],
      [
        'a broken multipart body',
        '/dicom-web/studies',
        400,
        () => ({ type: multipartOf([]).type, body: form('--radgate-test-boundary\n\n') }),
      ],
      [
        'a part of another type',
        '/dicom-web/studies',
        415,
        () => ({
          type: multipartOf([]).type,
          body: form('--radgate-test-boundary\r\nContent-Type: text/plain\r\n\r\n'),
        }),
      ],
      [
        'a form without a file',
        '/api/imports',
        400,
        () => ({ type: 'multipart/form-data; boundary=B', body: form('--B\r\nnonsense\r\n\r\n') }),
      ],
    ])('the rest of %s does not block the next request on the connection', async (_, path, status, made) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        const { authorization } = path.startsWith('/api') ? clerk : sender;
        const { type, body } = made();
        const headers = { authorization, 'content-type': type, 'content-length': body.length };
        for (let turn = 0; turn < longForm(5, 2); turn += 1) {
          const answered = await send(agent, 'POST', path, headers, body);
          expect(answered === 422 && status === 400 ? 400 : answered).toBe(status);
          expect(await send(agent, 'GET', '/health/live', {}, Buffer.alloc(0))).toBe(200);
        }
      } finally {
        agent.destroy();
      }
    });
  });
}
