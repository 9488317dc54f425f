import { Anchor, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import objects from './objects.module.css';
import css from './studies.module.css';
import type { ListedStudy } from './study.queries.ts';
import { Thumbnail } from './thumbnail.tsx';

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
                <li key={study.study_uid}>
                  <Thumbnail study={study.study_uid} modality={study.modalities[0] ?? ''} size={48} />
                  <div>
                    <Anchor
                      renderRoot={(props) => (
                        <Link {...props} to="/studies/$study" params={{ study: study.study_uid }} />
                      )}
                    >
                      {study.description || study.modalities.join(', ') || t('study.title')}
                    </Anchor>
                    <Text size="sm" className="quiet">
                      {[
                        formats.day(study.date),
                        study.modalities.join(', '),
                        study.institution,
                        t('study.images', { count: study.instances, shown: formats.number(study.instances) }),
                      ]
                        .filter(Boolean)
                        .join(' · ')}
                    </Text>
                  </div>
                </li>
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
