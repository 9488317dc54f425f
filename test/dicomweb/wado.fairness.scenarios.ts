import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';
import { bigInstance } from './stow.answers.ts';

let world: World;

/** Sends a request and does not read the answer. */
function stalled(caller: Caller, path: string): Socket {
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.pause();
  socket.write(`GET /dicom-web${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${caller.authorization}\r\n\r\n`);
  return socket;
}

/** The scenarios of one account with many stalled downloads. */
export function registerWadoFairness(given: () => World): void {
  describe('stalled downloads', () => {
    beforeAll(async () => {
      world = given();
    });

    it('an account with any number of stalled downloads does not block others', async () => {
      const [large, other] = [freshUid(), freshUid()];
      await world
        .store(await world.machine(), [
          bigInstance(20_000_000, { studyUid: large }),
          makeInstance({ studyUid: other }),
          bigInstance(3_000_000, { studyUid: other }),
        ])
        .expect(200);
      const greedy = await world.radiologist(large);
      const reader = await world.radiologist(other);
      const sockets = Array.from({ length: 60 }, () => stalled(greedy, `/studies/${large}`));
      // The downloads now hold all slots of their account. They hold the slots for half a minute.
      await sleep(3000);
      const began = Date.now();
      await world.get(reader, `/studies/${other}/metadata`).expect(200);
      await world.get(reader, `/studies/${other}`).expect(200);
      // If the client of a download does not read the response, the download loses its slot after thirty seconds, not before.
      expect(Date.now() - began).toBeLessThan(20_000);
      for (const socket of sockets) socket.destroy();
      await world.get(greedy, `/studies/${large}/metadata`).expect(200);
    });
  });
}
