import { createServer, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ComposeWorld } from './compose.world.ts';

// Prints "open", "refused" or "silent" for a connection to $1:$2.
const PROBE =
  'timeout 3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null && echo open || { [ $? -eq 124 ] && echo silent || echo refused; }';

/** The networks and file systems of the containers. */
export function registerIsolation(world: () => ComposeWorld): void {
  let host: Server;
  let hostPort = 0;
  beforeAll(async () => {
    host = createServer((_, response) => response.end('host'));
    await new Promise<void>((resolve) => host.listen(0, '0.0.0.0', resolve));
    const address = host.address();
    hostPort = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => void host?.close());

  const connects = async (from: string, to: string, port: number) =>
    (await world().inside(from, 'bash', '-c', PROBE, 'probe', to, `${port}`)).text.trim();
  const addressOf = async (service: string) => {
    const found = (await world().project.services()).get(service);
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
    return (await world().run('docker', 'inspect', '-f', format, found?.ID ?? '')).trim().split(' ');
  };

  it('lets the gateway reach its neighbours', async () => {
    for (const [service, port] of [
      ['postgres', 5432],
      ['orthanc', 8042],
      ['hapi', 8080],
    ] as const)
      expect(await connects('gateway', service, port), service).toBe('open');
    expect(await connects('web', 'gateway', 3000)).toBe('open');
  });

  it.each([
    ['web', ['postgres', 'orthanc', 'hapi']],
    ['orthanc', ['postgres', 'hapi', 'web']],
    ['postgres', ['orthanc', 'web']],
  ])('does not let %s reach %j by name or address', async (from, targets) => {
    const ports: Record<string, number> = { postgres: 5432, orthanc: 8042, hapi: 8080, web: 8443 };
    for (const target of targets) {
      const port = ports[target] ?? 0;
      for (const to of [target, ...(await addressOf(target))])
        expect(await connects(from, to, port), `${from} to ${target} at ${to}`).not.toBe('open');
    }
  });

  it('lets no container of an internal network reach a server of the host or another network', async () => {
    const addresses = Object.values(networkInterfaces())
      .flat()
      .flatMap((found) => (found && found.family === 'IPv4' && !found.internal ? [found.address] : []));
    expect(addresses.length).toBeGreaterThan(0);
    for (const from of ['postgres', 'orthanc', 'gateway'])
      for (const address of addresses)
        expect(await connects(from, address, hostPort), `${from} to ${address}`).not.toBe('open');
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
