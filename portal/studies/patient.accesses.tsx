import { Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { loadEntries } from '../audit/audit.entries.ts';
import { useFormats } from '../frame/formats.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import type { ListedStudy } from './study.queries.ts';

interface PatientAccessesProps {
  readonly patient: Pick<ListedStudy, 'patient_id' | 'issuer'>;
  readonly studies: readonly ListedStudy[];
}

/** Who has opened or changed what of a patient, newest first. Only for accounts with the right to read the audit. */
export function PatientAccesses({ patient, studies }: PatientAccessesProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const whose = {
    patient: patient.patient_id,
    ...(patient.issuer !== '' && { issuer: patient.issuer }),
  };
  const named = (uid: string | null) => {
    const study = studies.find(({ study_uid }) => study_uid === uid);
    if (study === undefined) return '';
    return [study.description || study.modalities.join(', '), formats.day(study.date)]
      .filter(Boolean)
      .join(', ');
  };
  return (
    <section aria-labelledby="person-accesses">
      <Title order={3} size="h4" id="person-accesses" mb="xs">
        {t('person.accesses')}
      </Title>
      <PagedTable
        about={['audit', 'patient', patient.issuer, patient.patient_id]}
        load={(request) => loadEntries(whose, request)}
        keyOf={({ id, at, action }) => `${id ?? ''} ${at ?? ''} ${action}`}
        empty={t('audit.none')}
        columns={[
          { name: 'at', title: t('audit.at'), cell: ({ at }) => (at === null ? '' : formats.moment(at)) },
          { name: 'account', title: t('audit.account'), cell: ({ account }) => account?.name ?? '' },
          { name: 'study', title: t('study.title'), cell: ({ study_uid }) => named(study_uid) },
          { name: 'action', title: t('audit.action'), cell: ({ action }) => action },
          { name: 'status', title: t('audit.status'), cell: ({ status }) => status ?? '' },
        ]}
      />
    </section>
  );
}
