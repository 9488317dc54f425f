import { Anchor, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { DownloadButton } from './download.button.tsx';
import { isDocument, objectPath, objectsQuery, type SeriesObject } from './object.queries.ts';
import { ObjectPreview } from './object.preview.tsx';
import css from './objects.module.css';

const STEP = 20;

interface SeriesObjectsProps {
  readonly study: string;
  readonly series: string;
  readonly modality: string;
  /** The number of objects in the series. */
  readonly count: number;
  readonly title: string;
}

/** The objects of a series. Documents and reports are shown at once, single images on demand. */
export function SeriesObjects({ study, series, modality, count, title }: SeriesObjectsProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const [isOpen, setOpen] = useState(isDocument(modality));
  const [limit, setLimit] = useState(STEP);
  const { data, error, refetch, isFetching } = useQuery({
    ...objectsQuery(study, series, limit),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  });
  if (!isOpen)
    return (
      <Button variant="subtle" size="compact-xs" onClick={() => setOpen(true)}>
        {t('study.single')}
      </Button>
    );
  if (error !== null) return <ProblemView problem={error} again={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={80} />;
  return (
    <Stack gap="xs" className={css.objects}>
      {data.map((object) => (
        <OneObject key={object.uid} study={study} series={series} object={object} title={title} />
      ))}
      {data.length < count && (
        <Group>
          <Button variant="default" size="xs" loading={isFetching} onClick={() => setLimit(limit + STEP)}>
            {t('patient.more')}
          </Button>
          <Text size="sm" className="quiet">
            {t('lists.shown', { shown: formats.number(data.length), total: formats.number(count) })}
          </Text>
        </Group>
      )}
    </Stack>
  );
}

interface OneObjectProps {
  readonly study: string;
  readonly series: string;
  readonly object: SeriesObject;
  readonly title: string;
}

function OneObject({ study, series, object, title }: OneObjectProps) {
  const { t } = useTranslation();
  const path = objectPath(study, series, object.uid);
  return (
    <div className={object.kind === 'image' ? css.image : undefined}>
      <ObjectPreview path={path} object={object} title={title} />
      <Group gap="xs">
        {object.kind === 'image' && (
          <Text size="sm">{t('study.imageNumber', { number: object.number ?? '–' })}</Text>
        )}
        {object.kind !== 'image' && (
          <Anchor href={`${path}/rendered`} target="_blank" rel="noopener" size="sm">
            {t('study.openDocument')}
          </Anchor>
        )}
        <DownloadButton study={study} series={series} instance={object.uid} bytes={null} isSmall />
      </Group>
    </div>
  );
}
