import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Caller, World } from '../support/world.ts';

export const UploadedReport = z.looseObject({
  upload_id: z.uuid(),
  status: z.string(),
  study_uid: z.string().nullable(),
  series_uid: z.string().nullable(),
  sop_instance_uid: z.string().nullable(),
  sop_class_uid: z.string().nullable(),
  transfer_syntax_uid: z.string().nullable(),
  patient_id: z.string().nullable(),
  issuer: z.string().nullable(),
});
export type UploadedReport = z.output<typeof UploadedReport>;

const Elements = z.array(z.record(z.string(), z.looseObject({ Value: z.array(z.unknown()).optional() })));

/** A PatientID that no other test uses. */
export const newPatient = () => `P-${randomUUID().slice(0, 8)}`;

/** Sends requests to /api/uploads. */
export class Bringer {
  constructor(
    private readonly world: World,
    readonly caller: Caller,
  ) {}

  /** Uploads the bytes of a file. */
  send(file: Buffer, query: Readonly<Record<string, string>> = {}, name = 'a file.bin') {
    return this.world.http
      .post('/api/uploads')
      .query(query)
      .set('authorization', this.caller.authorization)
      .set('content-type', 'application/octet-stream')
      .set('x-file-name', encodeURIComponent(name))
      .send(file);
  }

  /** Uploads a file that must be stored. */
  async stored(
    file: Buffer,
    query: Readonly<Record<string, string>> = {},
    name?: string,
  ): Promise<UploadedReport> {
    const answer = await this.send(file, query, name);
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    const report = UploadedReport.parse(answer.body);
    expect(answer.headers['location']).toBe(`/api/uploads/${report.upload_id}`);
    expect(report.status).toBe('stored');
    return report;
  }

  get(path: string) {
    return this.world.http.get(path).set('authorization', this.caller.authorization);
  }

  delete(path: string) {
    return this.world.http.delete(path).set('authorization', this.caller.authorization);
  }

  /** The stored file of an upload. */
  async file(report: UploadedReport): Promise<Buffer> {
    const answer = await this.world
      .get(this.caller, pathOf(report))
      .set('accept', 'application/dicom; transfer-syntax=*')
      .responseType('blob');
    expect(answer.status).toBe(200);
    return z.instanceof(Buffer).parse(answer.body);
  }

  /** The first value of an attribute of the stored instance. */
  async value(report: UploadedReport, tag: string): Promise<unknown> {
    const answer = await this.world.get(this.caller, `${pathOf(report)}/metadata`);
    return Elements.parse(answer.body)[0]?.[tag]?.Value?.[0];
  }
}

const pathOf = ({ study_uid, series_uid, sop_instance_uid }: UploadedReport) =>
  `/studies/${study_uid}/series/${series_uid}/instances/${sop_instance_uid}`;

/** Somebody who may store and read everything. */
export async function bringer(world: World): Promise<Bringer> {
  return new Bringer(
    world,
    await world.person({ rights: ['studies:store', 'studies:read'], scope: { kind: 'all' } }),
  );
}
