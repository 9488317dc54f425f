import { Button, CloseButton, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Problem } from '../client/problems.ts';
import { Icon } from '../frame/icons.tsx';
import { NoPage } from '../frame/no.page.tsx';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';
import { readableName } from '../frame/readable.values.ts';
import { isDocument } from './object.queries.ts';
import { OtherStudies } from './other.studies.tsx';
import css from './studies.module.css';
import { DownloadButton, totalOf } from './download.button.tsx';
import { SeriesObjects } from './series.objects.tsx';
import { type StudyDetail, studyQuery } from './study.queries.ts';
import { Thumbnail } from './thumbnail.tsx';

/** The details of one study, at the right of the list; on a phone in its place. */
export function StudyDetails() {
  const { t } = useTranslation();
  const { study } = useParams({ from: '/studies/$study' });
  const { data, error, refetch } = useQuery(studyQuery(study));
  const navigate = useNavigate();
  const close = () => void navigate({ to: '/studies', search: (kept) => kept });
  useHotkeys([['Escape', close]]);
  return (
    <aside className={css.details} aria-label={t('study.title')}>
      <Group justify="flex-end" p="xs" pb={0}>
        <CloseButton aria-label={t('study.close')} onClick={close} />
      </Group>
      {error instanceof Problem && error.status === 404 ? (
        <NoPage />
      ) : error !== null && data === undefined ? (
        <ProblemView problem={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Stack p="md">
          <Skeleton height={28} width="60%" />
          <Skeleton height={16} width="40%" />
          <Skeleton height={200} />
        </Stack>
      ) : (
        <Details study={data} />
      )}
    </aside>
  );
}

function Details({ study }: { study: StudyDetail }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const day = (value: string) => formats.day(value);
  const facts = [
    ['patientId', study.issuer === '' ? study.patient_id : `${study.patient_id} (${study.issuer})`],
    ['birthDate', day(study.birth_date)],
    ['date', [day(study.date), study.time.slice(0, 5)].filter(Boolean).join(', ')],
    ['accession', study.accession_number],
    ['institution', study.institution],
    ['images', formats.number(study.instances)],
  ] as const;
  return (
    <Stack p="md" pt={0} gap="md">
      <div>
        <Title order={2} size="h3">
          {readableName(study.patient_name) || t('studies.noName')}
        </Title>
        <Text>{study.description || study.modalities.join(', ')}</Text>
      </div>
      <Group>
        <Button
          leftSection={<Icon name="open" size={18} />}
          renderRoot={(props) => <Link {...props} to="/view/$study" params={{ study: study.study_uid }} />}
        >
          {t('study.open')}
        </Button>
        <DownloadButton study={study.study_uid} bytes={totalOf(study)} />
        <Button
          variant="default"
          renderRoot={(props) => (
            <Link {...props} to="/studies/$study/patient" params={{ study: study.study_uid }} />
          )}
        >
          {t('person.open')}
        </Button>
      </Group>
      <dl className={css.facts}>
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{t(`studies.columns.${name}`)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <Title order={3} size="h5">
        {t('study.series', { count: study.series.length })}
      </Title>
      <ul className={css.series}>
        {study.series.map((one) => (
          <li key={one.series_uid}>
            {!isDocument(one.modality) && (
              <Thumbnail study={study.study_uid} series={one.series_uid} modality={one.modality} size={64} />
            )}
            <div>
              <Text fw={600}>
                {one.description || t('study.seriesNumber', { number: one.number ?? '–' })}
              </Text>
              <Text size="sm" className="quiet">
                {[
                  one.modality,
                  one.body_part,
                  isDocument(one.modality)
                    ? ''
                    : t('study.images', { count: one.instances, shown: formats.number(one.instances) }),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </Text>
              <DownloadButton study={study.study_uid} series={one.series_uid} bytes={one.bytes} isSmall />
              <SeriesObjects
                study={study.study_uid}
                series={one.series_uid}
                modality={one.modality}
                count={one.instances}
                title={one.description}
              />
            </div>
          </li>
        ))}
      </ul>
      <OtherStudies key={study.study_uid} study={study.study_uid} />
    </Stack>
  );
}
