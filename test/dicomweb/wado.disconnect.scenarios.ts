import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Person, World } from '../support/world.ts';
import type { StandIn } from './wado.stand-in.ts';

/** The number of concurrent large transfers of one account. */
const PLACES = 16;
const [study, series, instance] = [freshUid(), freshUid(), freshUid()];
const busy = freshUid();
const seriesPath = `/dicom-web/studies/${study}/series/${series}`;
const instancePath = `${seriesPath}/instances/${instance}`;

const pixels = (size: number) => ({
  rows: size,
  columns: size,
  extra: [element('7FE00010', 'OW', Buffer.alloc(size * size * 2, 3))],
});

let world: World;
let archive: StandIn;
let reader: Person;
let orthancId: string;

/** Sends a request and does not read the answer. */
function stalled(path: string): Socket {
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${reader.authorization}\r\n\r\n`);
  return socket;
}

/** Sends a request that `signal` can abort. */
function ask(path: string, signal: AbortSignal, accept = '*/*'): Promise<Response> {
  const headers = { authorization: reader.authorization, accept };
  return fetch(`${world.gateway.url}${path}`, { headers, signal });
}

const multipart = 'multipart/related; type="application/dicom"';
const DOWNLOADS = {
  'a study': { path: `/dicom-web/studies/${study}`, accept: multipart },
  'a series': { path: seriesPath, accept: multipart },
  'a ZIP archive': { path: `/api/studies/${study}/archive`, accept: '*/*' },
  'an instance': { path: instancePath, accept: 'application/dicom' },
  'an instance in another transfer syntax': {
    path: instancePath,
    accept: 'application/dicom; transfer-syntax=1.2.840.10008.1.2',
  },
  'a frame': { path: `${instancePath}/frames/1`, accept: 'application/octet-stream' },
  'a WADO-URI object': {
    path: `/wado?requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${instance}&contentType=application/dicom`,
    accept: '*/*',
  },
};

/** The scenarios of downloads that wait for a slot while their client disconnects. `archive` is in front of the archive of the world. */
export function registerWadoDisconnect(given: () => { world: World; archive: StandIn }): void {
  describe('waiting downloads', () => {
    beforeAll(async () => {
      ({ world, archive } = given());
      const files = [
        makeInstance({ studyUid: study, seriesUid: series, sopUid: instance, ...pixels(1024) }),
        makeInstance({ studyUid: busy, ...pixels(4096) }),
      ];
      await world.store(await world.machine(), files).expect(200);
      reader = await world.radiologist(study, busy);
      const [row] = await world.sql`select orthanc_id from instances where sop_uid = ${instance}`;
      orthancId = z.object({ orthanc_id: z.string() }).parse(row).orthanc_id;
    });

    it(`a download of ${Object.keys(DOWNLOADS).join(', ')} leaves the queue when its client disconnects`, async () => {
      archive.paths.length = 0;
      // Takes all slots of the account with downloads whose client does not read the response.
      const slow = Array.from({ length: PLACES }, () => stalled(`/dicom-web/studies/${busy}`));
      try {
        const files = () => archive.paths.filter((path) => path.endsWith('/file')).length;
        // The gateway can also read the beginning of each new file once, to insert it into the catalog.
        await expect.poll(files, { timeout: 20_000 }).toBeGreaterThanOrEqual(PLACES);
        const left = new AbortController();
        const asked = Object.values(DOWNLOADS).map(({ path, accept }) =>
          ask(path, left.signal, accept).catch(() => 'left'),
        );
        // The requests wait now, because all slots are taken.
        await sleep(1000);
        left.abort();
        expect(await Promise.all(asked)).toEqual(asked.map(() => 'left'));
        // The gateway notices the closed connections.
        await sleep(1500);
        archive.paths.length = 0;
      } finally {
        for (const socket of slow) socket.destroy();
      }
      // If an aborted request were still in the queue, the gateway would serve it before the next request.
      const next = await ask(`/dicom-web/studies/${busy}`, AbortSignal.timeout(20_000));
      expect(next.status).toBe(200);
      await next.arrayBuffer();
      expect(archive.paths.filter((path) => path.includes(orthancId))).toEqual([]);
    });
  });
}
