import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';
import { makePdf } from '../../infra/demo/pdf.maker.ts';
import { pictureSize } from '../pixels/encoded.pictures.ts';
import { REPORT_POLICY } from '../../src/dicom/report/report.html.js';
import type { World } from '../support/world.ts';
import { everyKind, item, reportFile } from './report.files.ts';
import { freshUids } from './wado.encodings.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const KEY_OBJECTS = '1.2.840.10008.5.1.4.1.1.88.59';
const study = freshUid();
const uids = {
  report: freshUids(study),
  keys: freshUids(study),
  large: freshUids(study),
  cda: freshUids(study),
  stl: freshUids(study),
  obj: freshUids(study),
  mtl: freshUids(study),
};
const pdfs = freshUid();
const pages = {
  page: freshUids(pdfs),
  broken: freshUids(pdfs),
};
const at = (one: keyof typeof uids) =>
  `/studies/${study}/series/${uids[one].seriesUid}/instances/${uids[one].sopUid}`;
/** Encapsulated documents: the last component of the SOP class, the media type, and the document. */
const encapsulated = [
  ['cda', '2', 'text/xml', '<ClinicalDocument/>'],
  ['stl', '3', 'model/stl', 'solid made'],
  ['obj', '4', 'model/obj', 'v 0 0 0'],
  ['mtl', '5', 'model/mtl', 'newmtl red'],
] as const;

let world: World;
let ask: Ask;

/** The scenarios of reports and encapsulated documents other than PDF. */
export function registerDocuments(shared: () => World): void {
  describe('rendered documents', () => {
    beforeAll(async () => {
      world = shared();
      const keys = [item('TEXT', 'Key object description', [element('0040A160', 'UT', 'Best slice')])];
      const files = [
        reportFile(uids.report, everyKind),
        reportFile(uids.keys, keys, { sopClassUid: KEY_OBJECTS, title: 'Of Interest', modality: 'KO' }),
        reportFile(uids.large, [item('TEXT', 'Long', [element('0040A160', 'UT', 'x'.repeat(9_000_000))])]),
        ...[
          { uids: pages.page, pdf: makePdf('Report', ['of one page']) },
          { uids: pages.broken, pdf: Buffer.from('%PDF-1.4 and nothing more') },
        ].map(({ uids: own, pdf }, at) =>
          makeInstance({
            ...own,
            instanceNumber: at + 1,
            modality: 'DOC',
            sopClassUid: SopClass.pdf,
            extra: [element('00420011', 'OB', pdf), element('00420012', 'LO', 'application/pdf')],
          }),
        ),
        ...encapsulated.map(([one, end, type, text]) => {
          const sopClassUid = SopClass.pdf.replace(/1$/, end);
          // The documents have an odd length, so that they are padded.
          const document = [element('00420011', 'OB', Buffer.from(text)), element('00420012', 'LO', type)];
          const length = element('00420015', 'UL', [text.length]);
          const options = { ...uids[one], modality: 'DOC', sopClassUid };
          return makeInstance({ ...options, extra: [...document, length] });
        }),
      ];
      await world.store(await world.machine(), files).expect(200);
      ask = askerOf(world, await world.radiologist(study));
    });

    it.each([
      [undefined, 'text/html; charset=utf-8'],
      ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html; charset=utf-8'],
      ['text/*', 'text/html; charset=utf-8'],
      ['text/plain', 'text/plain; charset=utf-8'],
      ['text/html;q=0.5, text/plain', 'text/plain; charset=utf-8'],
    ])('a report for Accept %s is %s', async (accept, expected) => {
      const { status, type, headers, body } = await ask(`${at('report')}/rendered`, accept);
      expect([status, type]).toEqual([200, expected]);
      expect(body.toString()).toContain('Diameter');
      expect(headers.get('cache-control')).toBe('private, no-cache');
      expect(headers.get('content-security-policy')).toBe(
        expected.startsWith('text/html') ? REPORT_POLICY : null,
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    });

    it('a report is one part on request, has an entity tag, and is had at the address of the instance', async () => {
      const { type, body } = await ask(`${at('report')}/rendered`, 'multipart/related; type="text/plain"');
      const [part] = partsOf(type, body);
      expect(part?.headers['content-type']).toBe('text/plain; charset=utf-8');
      const page = await ask(at('report'), 'text/html');
      const again = await fetch(`${world.gateway.url}/dicom-web${at('report')}/rendered`, {
        headers: {
          authorization: (await world.radiologist(study)).authorization,
          'if-none-match': page.headers.get('etag') ?? '',
        },
      });
      expect([page.status, again.status]).toEqual([200, 304]);
    });

    it('a key object selection shows its title and description', async () => {
      const { body } = await ask(`${at('keys')}/rendered`, 'text/plain');
      expect(body.toString()).toMatch(/^Of Interest\n[^]*Key object description: Best slice\n$/);
    });

    it('a report that is too large is 406, and the gateway answers meanwhile', async () => {
      const [large, small] = await Promise.all([
        ask(`${at('large')}/rendered`),
        ask(`${at('report')}/rendered`, 'text/plain'),
      ]);
      expect([large.status, small.status]).toEqual([406, 200]);
      expect(large.body.toString()).toContain('too large');
    });

    it.each(['image/png', 'application/pdf', 'text/xml', 'multipart/related; type="image/png"'])(
      'a report for Accept %s is 406',
      async (accept) => {
        expect((await ask(`${at('report')}/rendered`, accept)).status).toBe(406);
      },
    );

    it.each(encapsulated)('the document of %s comes in its own media type', async (one, _, type, text) => {
      for (const accept of [undefined, type]) {
        const answer = await ask(`${at(one)}/rendered`, accept);
        expect([answer.status, answer.type, answer.body.toString()]).toEqual([200, type, text]);
        expect(answer.headers.get('content-disposition')).toBe('attachment');
        expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
      }
      expect((await ask(`${at(one)}/rendered`, 'application/pdf')).status).toBe(406);
    });

    it('documents of a study come in the preferred media type', async () => {
      const plain = await ask(`/studies/${study}/rendered`, 'multipart/related; type="text/plain"');
      // The report that is too large is left out.
      expect(partsOf(plain.type, plain.body)).toHaveLength(2);
      const stl = await ask(`/studies/${study}/rendered`, 'model/stl');
      expect([stl.status, stl.body.toString()]).toEqual([200, 'solid made']);
      expect((await ask(`/studies/${study}/rendered`, 'image/png')).status).toBe(406);
    });

    it('a thumbnail of a PDF shows its first page', async () => {
      const reads = askerOf(world, await world.radiologist(pdfs));
      const { seriesUid, sopUid } = pages.page;
      const instance = `/studies/${pdfs}/series/${seriesUid}/instances/${sopUid}`;
      for (const path of [instance, `/studies/${pdfs}/series/${seriesUid}`, `/studies/${pdfs}`]) {
        const { status, type, body } = await reads(`${path}/thumbnail`, 'image/png');
        expect([path, status, type === 'image/png' || body.toString()]).toEqual([path, 200, true]);
        expect(pictureSize(body)).toEqual([90, 128]);
      }
      const large = await reads(`${instance}/thumbnail?viewport=500,500`);
      expect([large.status, large.type, pictureSize(large.body)]).toEqual([200, 'image/jpeg', [353, 500]]);
      const { seriesUid: series, sopUid: broken } = pages.broken;
      const refused = await reads(`/studies/${pdfs}/series/${series}/instances/${broken}/thumbnail`);
      expect([refused.status, refused.body.toString()]).toEqual([
        406,
        expect.stringContaining('its document is broken or encrypted'),
      ]);
    });

    it.each([
      ['text/html', 'text/html; charset=utf-8'],
      ['text/plain', 'text/plain; charset=utf-8'],
      [undefined, 'text/html; charset=utf-8'],
      ['application/dicom', 'application/dicom'],
    ])('a report by URI for contentType %s is %s', async (contentType, expected) => {
      const { studyUid, seriesUid, sopUid } = uids.report;
      const query = new URLSearchParams({
        requestType: 'WADO',
        studyUID: studyUid,
        seriesUID: seriesUid,
        objectUID: sopUid,
        ...(contentType === undefined ? {} : { contentType }),
      });
      const { authorization } = await world.radiologist(study);
      const answer = await fetch(`${world.gateway.url}/wado?${query.toString()}`, {
        headers: { authorization },
      });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expected]);
    });
  });
}
