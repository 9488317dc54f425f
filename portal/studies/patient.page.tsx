import { Anchor, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Problem } from '../client/problems.ts';
import { useMe } from '../client/me.ts';
import { NoPage } from '../frame/no.page.tsx';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';
import { readableName } from '../frame/readable.values.ts';
import { PatientAccesses } from './patient.accesses.tsx';
import { PatientTimeline } from './patient.timeline.tsx';
import css from './studies.module.css';
import { type ListedStudy, timelineQuery } from './study.queries.ts';

/**
 * The patient of a study: the identifiers, all studies of this patient and issuer that the account may read, and who has opened them. The
 * address has the UID of the study, because a PatientID names a person.
 */
export function PatientPage() {
  const { t } = useTranslation();
  const { study } = useParams({ from: '/studies/$study/patient' });
  const { data, error, refetch } = useQuery(timelineQuery(study));
  const mayAudit = useMe().rights.includes('audit:read');
  if (error instanceof Problem && error.status === 404) return <NoPage />;
  if (error !== null && data === undefined)
    return <ProblemView problem={error} again={() => void refetch()} />;
  const one = data?.items.find(({ study_uid }) => study_uid === study) ?? data?.items[0];
  if (data === undefined || one === undefined) return <Skeleton height={200} m="md" />;
  return (
    <Stack p="md" gap="lg" maw={1100}>
      <Anchor
        renderRoot={(props) => (
          <Link {...props} to="/studies/$study" params={{ study }} search={(kept) => kept} />
        )}
      >
        {t('person.back')}
      </Anchor>
      <Identity study={one} names={namesIn(data.items)} />
      <section aria-labelledby="person-timeline">
        <Group justify="space-between" mb="xs">
          <Title order={3} size="h4" id="person-timeline">
            {t('person.timeline')}
          </Title>
        </Group>
        <PatientTimeline studies={data.items} total={data.total} />
      </section>
      {mayAudit && one.patient_id !== '' && <PatientAccesses patient={one} studies={data.items} />}
    </Stack>
  );
}

/** The names in the files of the patient, each once. Old files may have an earlier name. */
function namesIn(studies: readonly ListedStudy[]): readonly string[] {
  return [...new Set(studies.map(({ patient_name }) => readableName(patient_name)))].filter(Boolean);
}

function Identity({ study, names }: { study: ListedStudy; names: readonly string[] }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const name = readableName(study.patient_name);
  const others = names.filter((one) => one !== name);
  const facts = [
    [t('studies.columns.patientId'), study.patient_id],
    [t('person.issuer'), study.issuer],
    [t('studies.columns.birthDate'), formats.day(study.birth_date)],
    [t('person.sex'), sexOf(study.sex)],
    [t('person.otherNames'), others.join('; ')],
  ] as const;
  return (
    <section aria-labelledby="person-name">
      <Title order={2} size="h3" id="person-name" mb="xs">
        {name || t('studies.noName')}
      </Title>
      <dl className={css.facts}>
        {facts
          .filter(([, value]) => value !== '')
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {study.patient_id === '' && (
        <Text className="quiet" mt="xs">
          {t('person.noId')}
        </Text>
      )}
    </section>
  );

  /** The values of Patient's Sex (PS3.3 C.7.1.1). */
  function sexOf(code: string): string {
    if (code === 'F') return t('person.female');
    if (code === 'M') return t('person.male');
    return code === 'O' ? t('person.other') : code;
  }
}
