import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { patientFile } from '../../infra/demo/patients.file.ts';
import { gunzipCapped, recogniseContainer } from '../../src/csv/csv.container.js';

async function gunzip(bytes: Buffer, limit?: number): Promise<Buffer> {
  const { input, output } = gunzipCapped(limit);
  const found: Buffer[] = [];
  const read = (async () => {
    for await (const chunk of output) found.push(chunk);
  })();
  await Promise.all([read, pipeline(Readable.from([bytes]), input).catch(() => undefined)]);
  return Buffer.concat(found);
}

describe('a container', () => {
  it.each([
    [Buffer.from('PK\u0003\u0004\u0014\0\0\0list.csv', 'latin1'), 'file-archive'],
    [Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'file-spreadsheet'],
    [Buffer.from('%PDF-1.7'), 'file-binary'],
  ])('of %j is refused', (head, code) => {
    expect(() => recogniseContainer(head)).toThrowError(expect.objectContaining({ code }));
  });

  it('is recognised as a workbook of OpenDocument', () => {
    const head = 'PK\u0003\u0004mimetypeapplication/vnd.oasis.opendocument.spreadsheet';
    expect(recogniseContainer(Buffer.from(head, 'latin1'))).toBe('open-document');
  });

  it('of gzip is read', async () => {
    const packed = gzipSync(patientFile());
    expect(recogniseContainer(packed)).toBe('gzip');
    expect(recogniseContainer(patientFile())).toBe('text');
    expect(await gunzip(packed)).toEqual(patientFile());
  });

  it('of gzip is refused when it is cut, damaged, too large or a bomb', async () => {
    const packed = gzipSync(patientFile());
    await expect(gunzip(packed.subarray(0, -20))).rejects.toMatchObject({ code: 'file-gzip-broken' });
    await expect(gunzip(Buffer.from('1f8b0000', 'hex'))).rejects.toMatchObject({ code: 'file-gzip-broken' });
    await expect(gunzip(packed, 100)).rejects.toMatchObject({ code: 'file-too-large' });
    const bomb = gzipSync(Buffer.alloc(2 ** 26, 'a'));
    await expect(gunzip(bomb)).rejects.toMatchObject({ code: 'file-gzip-bomb' });
  });
});
