import { Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import objects from './objects.module.css';
import css from './studies.module.css';
import type { ListedStudy } from './study.queries.ts';
import { StudyEntry } from './study.entry.tsx';

function yearOf({ date }: ListedStudy): string {
  return date.slice(0, 4);
}

/** The studies of a patient by year, newest first. */
export function PatientTimeline({ studies, total }: { studies: readonly ListedStudy[]; total: number }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const years = [...new Set(studies.map(yearOf))];
  return (
    <div className={objects.timeline}>
      {years.map((year) => (
        <section key={year} aria-label={year || t('person.noDate')}>
          <Title order={4} size="h5" className={objects.year}>
            {year || t('person.noDate')}
          </Title>
          <ul className={css.series}>
            {studies
              .filter((study) => yearOf(study) === year)
              .map((study) => (
                <StudyEntry key={study.study_uid} study={study} />
              ))}
          </ul>
        </section>
      ))}
      {studies.length < total && (
        <Text className="quiet">
          {t('lists.shown', { shown: formats.number(studies.length), total: formats.number(total) })}
        </Text>
      )}
    </div>
  );
}
