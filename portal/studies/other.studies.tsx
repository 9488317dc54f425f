import { Button, Group, Skeleton, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemView } from '../frame/problem.view.tsx';
import css from './studies.module.css';
import { StudyEntry } from './study.entry.tsx';
import { timelineQuery } from './study.queries.ts';

/** The other studies of the same patient and issuer, newest first. They are loaded on demand. */
export function OtherStudies({ study }: { study: string }) {
  const { t } = useTranslation();
  const [isAsked, setAsked] = useState(false);
  if (!isAsked)
    return (
      <Group>
        <Button variant="default" onClick={() => setAsked(true)}>
          {t('study.others')}
        </Button>
      </Group>
    );
  return (
    <section>
      <Title order={3} size="h5" mb="xs">
        {t('study.others')}
      </Title>
      <Timeline study={study} />
    </section>
  );
}

function Timeline({ study }: { study: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(timelineQuery(study));
  if (error !== null) return <ProblemView problem={error} again={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={80} />;
  const others = data.items.filter(({ study_uid }) => study_uid !== study);
  if (others.length === 0) return <Text className="quiet">{t('study.noOthers')}</Text>;
  return (
    <ul className={css.series}>
      {others.map((other) => (
        <StudyEntry key={other.study_uid} study={other} />
      ))}
    </ul>
  );
}
