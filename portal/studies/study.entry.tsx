import { Anchor, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import type { ListedStudy } from './study.queries.ts';
import { Thumbnail } from './thumbnail.tsx';

/** A study as an item of a list: thumbnail, link, date, modalities, institution and number of images. The filters of the list are kept. */
export function StudyEntry({ study }: { study: ListedStudy }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const modalities = study.modalities.join(', ');
  const facts = [
    formats.day(study.date),
    modalities,
    study.institution,
    t('study.images', { count: study.instances, shown: formats.number(study.instances) }),
  ];
  return (
    <li>
      <Thumbnail study={study.study_uid} modality={study.modalities[0] ?? ''} size={48} />
      <div>
        <Anchor
          renderRoot={(props) => (
            <Link
              {...props}
              to="/studies/$study"
              params={{ study: study.study_uid }}
              search={(kept) => kept}
            />
          )}
        >
          {study.description || modalities || t('study.title')}
        </Anchor>
        <Text size="sm" className="quiet">
          {facts.filter(Boolean).join(' · ')}
        </Text>
      </div>
    </li>
  );
}
