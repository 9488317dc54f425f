import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ComposeWorld } from './compose.world.ts';
import { GET, heard, startHostServer, type HostServer } from './network.probe.ts';

/** For each server: its port, a request, and a text that only this server answers with. */
const SERVERS = {
  postgres: { port: 5432, say: String.raw`\0\0\0\x08\x04\xd2\x16\x2f`, hears: /^[SN]$/, bytes: 1 },
  orthanc: { port: 8042, say: String.raw`GET /system HTTP/1.0\r\n\r\n`, hears: /Orthanc/, bytes: 600 },
  hapi: {
    port: 8080,
    say: String.raw`GET /fhir/metadata?_summary=true HTTP/1.0\r\n\r\n`,
    hears: /CapabilityStatement/,
    bytes: 600,
  },
  gateway: {
    port: 3000,
    say: String.raw`GET /health/live HTTP/1.0\r\n\r\n`,
    hears: /"status":"ok"|200 OK/,
    bytes: 600,
  },
  web: {
    port: 8080,
    say: String.raw`GET / HTTP/1.0\r\n\r\n`,
    hears: /nginx|https:\/\/localhost/,
    bytes: 600,
  },
} as const;
type ServiceName = keyof typeof SERVERS;

/** The networks and file systems of the containers. */
export function registerIsolation(world: () => ComposeWorld): void {
  let host: HostServer;
  beforeAll(async () => {
    host = await startHostServer();
  });
  afterAll(() => host?.stop());

  const reaches = async (from: string, target: ServiceName, to: string) => {
    const { port, say: text, hears, bytes } = SERVERS[target];
    return hears.test(await heard(world(), from, to, port, text, bytes));
  };
  const addressOf = async (service: string) => {
    const found = (await world().project.services()).get(service);
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
    return (await world().run('docker', 'inspect', '-f', format, found?.ID ?? '')).trim().split(' ');
  };

  it('lets the gateway reach its neighbours', async () => {
    for (const target of ['postgres', 'orthanc', 'hapi'] as const)
      expect(await reaches('gateway', target, target), target).toBe(true);
    expect(await reaches('web', 'gateway', 'gateway')).toBe(true);
    expect(await reaches('web', 'web', '127.0.0.1')).toBe(true);
  });

  it.each<[ServiceName, ServiceName[]]>([
    ['web', ['postgres', 'orthanc', 'hapi']],
    ['orthanc', ['postgres', 'hapi', 'web']],
    ['postgres', ['orthanc', 'web']],
  ])('does not let %s reach %j by name or address', async (from, targets) => {
    for (const target of targets)
      for (const to of [target, ...(await addressOf(target))])
        expect(await reaches(from, target, to), `${from} to ${target} at ${to}`).toBe(false);
  });

  it('lets no container of an internal network reach a server of the host or another network', async () => {
    expect(host.addresses.length).toBeGreaterThan(0);
    for (const from of ['postgres', 'orthanc', 'gateway'])
      for (const address of host.addresses)
        expect(await heard(world(), from, address, host.port, GET), `${from} to ${address}`).not.toContain(
          host.says,
        );
  });

  it('gives no container a writable root, a capability or new privileges', async () => {
    for (const service of ['postgres', 'orthanc', 'gateway', 'web', 'hapi']) {
      const { status } = await world().inside(service, 'bash', '-c', 'echo x > /written');
      expect(status, service).not.toBe(0);
      const { text } = await world().inside(service, 'cat', '/proc/1/status');
      expect(/^CapEff:\s+(\w+)$/m.exec(text)?.[1], service).toBe('0000000000000000');
      expect(/^NoNewPrivs:\s+(\d)$/m.exec(text)?.[1], service).toBe('1');
    }
  });

  it('looks up no name outside, and never sends a request to another host while the gateway is down', async () => {
    for (const service of ['postgres', 'orthanc', 'hapi', 'gateway', 'web'])
      expect((await world().inside(service, 'getent', 'hosts', 'example.org')).status, service).not.toBe(0);
    await world().compose('stop', 'gateway');
    const until = Date.now() + 12_000;
    while (Date.now() < until) {
      const { status, body } = await world().ask('/dicom-web/studies');
      expect({ status, text: body.toString() }).toMatchObject({
        status: 503,
        text: expect.stringContaining('service-unavailable'),
      });
      await sleep(250);
    }
    await world().compose('up', '-d', '--wait', '--no-deps', 'gateway');
  });

  it('finds a gateway that has a new address, without a restart of nginx', async () => {
    const before = await addressOf('gateway');
    await world().compose('stop', 'gateway');
    // Another container takes the address that the gateway had.
    const network = 'radgate_front';
    const image = 'radgate/web:0.1.0';
    const names = ['taker1', 'taker2'];
    for (const name of names)
      await world().run(
        'docker',
        'run',
        '-d',
        '--rm',
        '--name',
        name,
        '--network',
        network,
        '--entrypoint',
        'sleep',
        image,
        '600',
      );
    await world().compose('up', '-d', '--wait', '--no-deps', '--force-recreate', 'gateway');
    expect(await addressOf('gateway')).not.toEqual(before);
    await expect.poll(async () => (await world().ask('/health/live')).status, { timeout: 15_000 }).toBe(200);
    await world().run('docker', 'rm', '-f', ...names);
  });
}
