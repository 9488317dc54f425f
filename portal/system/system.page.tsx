import { Badge, Button, Card, Group, Progress, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { Problem } from '../client/problems.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import css from '../records/records.module.css';
import { Services } from './services.tsx';
import { StudyMonths } from './study.months.tsx';
import { SystemReport } from './system.report.tsx';

const STATS_MS = 10_000;
const REBUILD_MS = 1000;
const REBUILD = ['rebuild'];

/** The state of the system for operators: its services, what it holds, and the comparison of the catalog with the archive. */
export function SystemPage() {
  return (
    <Stack p="md" maw={960}>
      <Services />
      <SystemReport />
      <Holdings />
      <StudyMonths />
      <Comparison />
    </Stack>
  );
}

function Holdings() {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/stats', { signal })),
    refetchInterval: STATS_MS,
  });
  const counts =
    data === undefined
      ? []
      : ([
          ['patients', formats.number(data.catalog.patients)],
          ['studies', formats.number(data.catalog.studies)],
          ['series', formats.number(data.catalog.series)],
          ['instances', formats.number(data.catalog.instances)],
          ['bytes', formats.bytes(data.catalog.bytes)],
          ['archived', data.archive === null ? '–' : formats.number(data.archive.instances)],
          ['archivedBytes', data.archive === null ? '–' : formats.bytes(data.archive.bytes)],
          ['quarantined', formats.number(data.in_quarantine)],
          ['onTheirWay', formats.number(data.on_their_way)],
          ['irregular', formats.number(data.irregular)],
        ] as const);
  return (
    <Card withBorder component="section" aria-labelledby="holdings">
      <Title order={2} size="h4" id="holdings" mb="sm">
        {t('system.holdings')}
      </Title>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={80} />}
      <dl className={css.counts}>
        {counts.map(([name, value]) => (
          <div key={name}>
            <dt>{t(`system.counts.${name}`)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Comparison() {
  const { t } = useTranslation();
  const formats = useFormats();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: REBUILD,
    // Before the first comparison, the answer is 404.
    queryFn: async ({ signal }) => {
      try {
        return await bodyOf(gateway.GET('/api/catalog/rebuild', { signal }));
      } catch (problem) {
        if (problem instanceof Problem && problem.status === 404) return null;
        throw problem;
      }
    },
    refetchInterval: ({ state }) => (state.data && state.data.state !== 'completed' ? REBUILD_MS : false),
  });
  const begin = useMutation({
    mutationFn: () => gateway.POST('/api/catalog/rebuild'),
    onSettled: () => queries.invalidateQueries({ queryKey: REBUILD }),
  });
  const trouble = error ?? begin.error;
  const isRunning = data !== undefined && data !== null && data.state !== 'completed';
  const percent = data && data.archived > 0 ? Math.min(100, (data.checked * 100) / data.archived) : 0;
  return (
    <Card withBorder component="section" aria-labelledby="comparison">
      <Stack gap="sm">
        <Title order={2} size="h4" id="comparison">
          {t('system.comparison')}
        </Title>
        <Text className="quiet">{t('system.comparisonHelp')}</Text>
        {trouble !== null && <ProblemView problem={trouble} again={() => void refetch()} />}
        {isRunning && (
          <div role="status">
            <Progress value={percent} animated aria-label={t('system.comparison')} />
            <Text size="sm">
              {t('system.compared', {
                done: formats.number(data.checked),
                total: formats.number(data.archived),
              })}
            </Text>
          </div>
        )}
        {data?.state === 'completed' && (
          <Text>
            {t('system.result', {
              when: data.finished_at === null ? '' : formats.moment(data.finished_at),
              checked: formats.number(data.checked),
              adopted: formats.number(data.adopted),
              removed: formats.number(data.removed),
            })}
          </Text>
        )}
        <Group>
          <Button variant="default" loading={begin.isPending || isRunning} onClick={() => begin.mutate()}>
            {t('system.compare')}
          </Button>
          {isRunning && (
            <Badge tt="none" variant="dot">
              {t('system.running')}
            </Badge>
          )}
        </Group>
      </Stack>
    </Card>
  );
}
