import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MixedLoad } from './mixed.load.ts';
import { type Neighbour, OwnStack } from './own.stack.ts';
import { tell } from './resident.memory.ts';

const Statistics = z.object({ CountInstances: z.number() });
const VICTIMS: Neighbour[] = ['gateway', 'orthanc', 'postgres', 'nginx'];
const rounds = Number(process.env['RADGATE_CHAOS_ROUNDS'] ?? 3);

// The test takes more than a minute, so only vitest.long.config.ts runs it.
describe('kill -9 during a mixed load', () => {
  let stack: OwnStack;
  let load: MixedLoad;
  beforeAll(async () => {
    stack = await OwnStack.start();
    load = await MixedLoad.start(stack.facts.web, stack.facts.admin);
  });
  afterAll(async () => {
    await load?.close();
    await stack?.stop();
  });

  it('all recover by themselves, acknowledged instances are complete, and no partial instance exists', async () => {
    await load.recovered(20);
    for (let round = 1; round <= rounds; round += 1) {
      for (const victim of VICTIMS) {
        await sleep(2000 + Math.random() * 2000);
        await stack.kill(victim);
        const seconds = await load.recovered(60);
        tell(`kill -9 ${victim}: storing, searching and retrieving again after ${seconds.toFixed(1)} s`);
      }
    }
    await sleep(2000);
    await load.stop();
    const { done, failed } = load;
    tell(
      `acknowledged ${load.acknowledged.size} instances, unacknowledged ${load.open.size}; ${JSON.stringify({ done, failed })}`,
    );
    expect(load.wrong).toEqual([]);

    let lost = 0;
    for (const sent of load.acknowledged.values()) {
      const { status, sha256 } = await load.fetchDigest(sent);
      if (status !== 200 || sha256 !== sent.sha256) lost += 1;
    }
    expect(lost, 'acknowledged, and not there as it was sent').toBe(0);

    // The gateway has not acknowledged the instances in `open`. Each of these instances must be stored completely or not at all.
    let half = 0;
    for (const sent of load.open.values()) {
      const { status, sha256 } = await load.fetchDigest(sent);
      if (status !== 404 && sha256 !== sent.sha256) half += 1;
    }
    expect(half).toBe(0);
    await expectAgreement(stack);
  });
});

/** Waits until catalog and archive have the same number of instances, the counts agree, and no reservation exists. */
async function expectAgreement({ facts }: OwnStack): Promise<void> {
  const sql = postgres(facts.database.url, { max: 1 });
  const basic = Buffer.from(`${facts.orthanc.username}:${facts.orthanc.password}`).toString('base64');
  try {
    const held = async () => {
      const answer = await fetch(`${facts.orthanc.url}/statistics`, {
        headers: { authorization: `Basic ${basic}` },
      });
      const archived = Statistics.parse(await answer.json()).CountInstances;
      const [row] = await sql<{ instances: number; counted: number; live: number }[]>`
        select (select count(*)::int from instances) as instances,
               (select coalesce(sum(instance_count), 0)::int from studies) as counted,
               (select count(*)::int from pending where expires_at > clock_timestamp()) as live`;
      return { archived, ...row };
    };
    await expect
      .poll(
        async () => {
          const { archived, instances, counted, live } = await held();
          return [instances === archived, counted === archived, live];
        },
        { timeout: 30_000, interval: 500 },
      )
      .toEqual([true, true, 0]);
    tell(`archive and catalog agree: ${JSON.stringify(await held())}`);
  } finally {
    await sql.end();
  }
}
