import { Button, Card, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';
import { type ListedStudy, PAGE_SIZE } from '../studies/study.queries.ts';
import { OwnDownload } from './own.download.tsx';
import { Thumbnail } from '../studies/thumbnail.tsx';
import { useKinds } from './plain.kinds.ts';

const ownStudies = {
  queryKey: ['own-studies'],
  queryFn: ({ pageParam, signal }: { pageParam: number; signal: AbortSignal }) =>
    bodyOf(
      gateway.GET('/api/studies', {
        params: { query: { limit: String(PAGE_SIZE), offset: String(pageParam) } },
        signal,
      }),
    ),
  initialPageParam: 0,
  getNextPageParam: (last: { total: number; items: readonly unknown[] }, _: unknown, offset: number) =>
    offset + last.items.length < last.total ? offset + last.items.length : undefined,
};

/** The images of the patient who is signed in, newest first, in plain words. */
export function OwnImages() {
  const { t } = useTranslation();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(ownStudies);
  const studies = data?.pages.flatMap(({ items }) => items);
  return (
    <Stack p="md" maw={720} mx="auto">
      <Text>{t('patient.intro')}</Text>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {studies === undefined && error === null && <Skeleton height={110} />}
      {studies?.length === 0 && <Text className="quiet">{t('patient.none')}</Text>}
      {studies?.map((study) => (
        <OwnStudy key={study.study_uid} study={study} />
      ))}
      {hasNextPage && (
        <Button variant="default" loading={isFetching} onClick={() => void fetchNextPage()}>
          {t('patient.more')}
        </Button>
      )}
    </Stack>
  );
}

function OwnStudy({ study }: { study: ListedStudy }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const kind = useKinds()(study);
  const where = [formats.day(study.date), study.institution].filter(Boolean).join(', ');
  return (
    <Card withBorder component="article">
      <Group wrap="nowrap" align="center">
        <Thumbnail study={study.study_uid} modality="" size={88} />
        <div>
          <Title order={2} size="h4">
            {kind}
          </Title>
          {study.description !== '' && <Text>{study.description}</Text>}
          <Text className="quiet">{where}</Text>
          <Group mt="xs" gap="xs">
            <Button
              renderRoot={(props) => (
                <Link {...props} to="/view/$study" params={{ study: study.study_uid }} />
              )}
            >
              {t('patient.open')}
            </Button>
            <OwnDownload study={study.study_uid} />
          </Group>
        </div>
      </Group>
    </Card>
  );
}
