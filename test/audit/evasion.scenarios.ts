import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Caller, World } from '../support/world.ts';

let world: World;
let admin: Caller;

/** Sends a request and resets the connection before the response arrives. */
function sendAndLeave(text: string, afterMs: number): Promise<void> {
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), afterMs));
  });
}

/** Registers the tests of this file with the given gateway. */
export function registerEvasion(given: () => World): void {
  describe('evasion', () => {
    beforeAll(async () => {
      world = given();
      admin = await world.admin();
    });

    it('a sender that leaves before the answer is on record for all that it changed', async () => {
      const wanted = 60;
      for (let turn = 0; turn < wanted; turn += 1) {
        const body = JSON.stringify({ name: `left ${turn}` });
        const head = `POST /api/groups HTTP/1.1\r\nHost: x\r\nAuthorization: ${admin.authorization}\r\n`;
        const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
        await sendAndLeave(head + fields + body, turn % 4);
      }
      // One query reads all counts at the same moment, because some requests may still be running.
      const made = async () => {
        const [row] = await world.sql`
      select (select count(*)::int from groups where name like 'left %') as groups,
             (select count(*)::int from audit where action = 'POST /api/groups' and status = 201) as rows`;
        return { groups: Number(row?.['groups']), rows: Number(row?.['rows']) };
      };
      await expect.poll(async () => (await made()).groups).toBeGreaterThan(0);
      await world.http.get('/api/me').set('authorization', admin.authorization).expect(200);
      const { groups, rows } = await made();
      expect(rows).toBe(groups);
      expect(await world.gateway.logged()).not.toContain('NeighbourAway');
    });
  });
}
