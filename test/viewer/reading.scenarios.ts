import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uidFor } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { NORTH_STUDY } from '../../infra/demo/demo.objects.ts';
import { isLong } from '../support/long.form.ts';
import { button, measure } from './measuring.ts';
import type { RunningStack } from './running.stack.ts';
import { StackAdministrator, type StackPerson } from './stack.people.ts';
import { openStudy, startVisit, textOf, type Visit } from './visits.ts';

const STUDY = NORTH_STUDY.studyUid;

/** Another person with the same PatientID from another issuer. */
const NAMESAKE = {
  studyUid: uidFor('viewer test namesake study'),
  seriesUid: uidFor('viewer test namesake series'),
  sopUid: uidFor('viewer test namesake image'),
  patientId: NORTH_STUDY.patient.id,
  patientName: 'Other^Person',
  issuer: 'OTHER-ISSUER',
  studyDescription: 'Study of another person',
  studyDate: '20251224',
};

/** The scenarios of a person who may read every study but may not annotate `STUDY`. The scenarios share one page. */
export function registerReading(shared: () => { stack: RunningStack; browser: Browser }): void {
  describe('a person who may only read', () => {
    let person: StackPerson;
    let visit: Visit;

    beforeAll(async () => {
      const { stack, browser } = shared();
      const administrator = await StackAdministrator.signIn(stack);
      await administrator.store(makeInstance(NAMESAKE));
      person = await administrator.person(
        { rights: ['studies:read'], scope: { kind: 'all' } },
        { rights: ['studies:annotate'], scope: { kind: 'study', study_uid: NAMESAKE.studyUid } },
      );
      visit = await startVisit(browser, stack.web);
    });
    afterAll(() => visit?.context.close());

    it('sees beside a study nothing of another person with the same PatientID of another issuer', async () => {
      const { page, queries, faults } = visit;
      await openStudy(visit, person, STUDY);
      // A search by PatientID finds the studies of both persons. Only the viewer distinguishes the two persons.
      const found = await page.request.get(`/dicom-web/studies?PatientID=${NAMESAKE.patientId}`);
      for (const uid of [NAMESAKE.studyUid, STUDY]) expect(await found.text()).toContain(uid);

      const list = page.locator('[data-cy="studyBrowser-panel"]');
      expect(await list.innerText()).toContain(NORTH_STUDY.description);
      for (const tab of ['Recent', 'All']) expect(await list.getByText(tab, { exact: true }).count()).toBe(0);
      expect(await textOf(page)).not.toContain(NAMESAKE.studyDescription);
      expect(queries.filter((query) => /PatientID|00100020/.test(query))).toEqual([]);
      expect(faults).toEqual([]);
    });

    if (isLong)
      it('is not offered to save: a report can be downloaded', async () => {
        const { page } = visit;
        await measure(page);
        await button(page, 'Download SR').click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('button', { name: 'Download' }).waitFor();
        expect(await dialog.getByRole('button', { name: 'Save' }).count()).toBe(0);
        expect(await button(page, 'Create SR').count()).toBe(0);
      });
  });
}
