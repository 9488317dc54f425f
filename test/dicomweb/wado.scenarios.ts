import { beforeAll, describe, expect, it } from 'vitest';
import { TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import type { World } from '../support/world.ts';
import { partsOf } from './wado.reading.ts';
import {
  type Ask,
  at,
  ct,
  fileOf,
  files,
  multi,
  otherStudy,
  sop,
  study,
  type Retrieval,
} from './wado.world.ts';
let world: World;
let ask: Ask;

function sorted(bodies: Buffer[]): Buffer[] {
  return bodies.toSorted((one, other) => one.compare(other));
}

/** Registers the tests of this file with the given gateway. */
export function registerWado(given: () => Retrieval): void {
  describe('wado', () => {
    beforeAll(async () => {
      ({ world, ask } = given());
    });

    describe('whole instances', () => {
      it.each([
        'application/dicom',
        'application/dicom; transfer-syntax=*',
        'multipart/related; type="application/json", application/dicom',
        'application/*',
        'multipart/related;q=0, */*',
      ])('come as one body for Accept: %s', async (accept) => {
        const { status, type, headers, body } = await ask(at.one, accept);
        expect([status, type]).toEqual([200, 'application/dicom']);
        expect(headers.get('content-length')).toBe(String(body.length));
        expect(body.equals(fileOf(sop.one))).toBe(true);
      });

      it.each([
        undefined,
        '*/*',
        'multipart/related',
        'multipart/related; type="application/dicom"',
        'multipart/related; type=application/dicom; transfer-syntax=*',
        'multipart/related;type="application/dicom";transfer-syntax="*"',
        `multipart/related; type="application/dicom"; transfer-syntax=${TransferSyntax.explicitLittle}`,
      ])('come in parts for Accept: %s', async (accept) => {
        const { status, type, headers, body } = await ask(at.one, accept);
        expect(status).toBe(200);
        expect(type).toMatch(/^multipart\/related; type="application\/dicom"; boundary=/);
        expect(headers.get('content-length')).toBe(String(body.length));
        const [part, ...more] = partsOf(type, body);
        expect(more).toEqual([]);
        expect(part?.headers['content-type']).toBe(
          `application/dicom; transfer-syntax=${TransferSyntax.explicitLittle}`,
        );
        expect(part?.headers['content-location']).toBe(`${world.gateway.url}/dicom-web${at.one}`);
        expect(part?.body.equals(fileOf(sop.one))).toBe(true);
      });

      it('of a series and of a study are each as they were stored, and the body is closed', async () => {
        for (const [path, uids] of [
          [`/studies/${study}/series/${ct}`, [sop.one, sop.two]],
          [`/studies/${study}`, [...files.keys()]],
        ] as const) {
          const { status, type, body } = await ask(
            path,
            'multipart/related; type="application/dicom"; transfer-syntax=*',
          );
          expect(status).toBe(200);
          const parts = partsOf(type, body).map((part) => part.body);
          const sent = uids.map(fileOf);
          expect(sorted(parts)).toEqual(sorted(sent));
        }
      });

      it.each([
        ['application/dicom', 'series'],
        ['image/png', 'series'],
        ['multipart/related; type="image/jpeg"', 'series'],
        ['audio/basic', 'instance'],
        ['multipart/related; type="audio/basic"', 'instance'],
        ['multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50', 'instance'],
        ['application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50', 'instance'],
        ['application/dicom;q=0', 'instance'],
      ])('are 406 for Accept: %s of one %s', async (accept, level) => {
        const { status, type } = await ask(
          level === 'series' ? `/studies/${study}/series/${ct}` : at.one,
          accept,
        );
        expect([status, type]).toEqual([406, 'application/problem+json']);
      });

      it.each([
        'dicom',
        'application/dicom; transfer-syntax',
        'multipart/related; type="application/dicom',
        'a/b;q=2',
        'a/b;q=x',
        'a b/c',
        'a/b; c="d"e',
      ])('are 400 for the malformed Accept: %s', async (accept) => {
        const { status, type } = await ask(at.one, accept);
        expect([status, type]).toEqual([400, 'application/problem+json']);
      });

      it('take the query parameter accept before the header', async () => {
        const { type } = await ask(`${at.one}?accept=application/dicom`, 'image/png');
        expect(type).toBe('application/dicom');
        const encoded = encodeURIComponent('multipart/related; type="application/dicom"');
        expect((await ask(`${at.one}?accept=${encoded}`, 'image/png')).type).toMatch(/^multipart/);
        expect((await ask(`${at.one}?accept=audio/basic`, 'application/dicom')).status).toBe(406);
        expect((await ask(`${at.one}?accept=a/b&accept=c/d`)).status).toBe(400);
      });
    });

    describe('a path', () => {
      it.each([
        ['another series', `/studies/${study}/series/${multi}/instances/${sop.one}`],
        ["another study's series", `/studies/${study}/series/${otherStudy.series}`],
        ["another study's instance", `/studies/${study}/series/${ct}/instances/${otherStudy.sop}`],
        ["another study's chain", `/studies/${otherStudy.study}/series/${ct}/instances/${sop.one}`],
        ['metadata of a mixed chain', `/studies/${otherStudy.study}/series/${ct}/metadata`],
      ])('that mixes %s in names nothing', async (_, path) => {
        expect((await ask(path)).status).toBe(404);
      });

      it.each([
        'abc',
        '1..2',
        '.1',
        '1.2.',
        '1.2%00',
        '1.2%2F3',
        '1.2%2f..%2f..%2fsystem',
        '1.2%5C3',
        '1.2*',
        '1.2%20',
        '1.2%0A',
        '１.2',
        '1'.repeat(65),
        '1.'.repeat(500),
      ])('with the malformed UID %s is 400', async (uid) => {
        for (const path of [
          `/studies/${uid}`,
          `/studies/${study}/series/${uid}`,
          `${at.one.replace(sop.one, uid)}/metadata`,
        ]) {
          const { status, type } = await ask(path);
          expect([status, type]).toEqual([400, 'application/problem+json']);
        }
      });

      it.each([
        '//studies',
        `/studies//${study}`,
        `/studies/${study};a=b`,
        `/studies/${study}/`,
        `/Studies/${study}`,
        `/studies/${study}/..%2f..%2fsystem`,
        '/%2e%2e/system',
      ])('spelled otherwise reaches nothing: %s', async (path) => {
        const { status, body } = await ask(path);
        expect([400, 404]).toContain(status);
        expect(body.toString()).not.toContain('Retrieved');
      });
    });
  });
}
