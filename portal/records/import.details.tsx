import { Alert, Badge, Button, Drawer, Group, Progress, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useMe } from '../client/me.ts';
import { followImport, forgetImport } from '../frame/activity.store.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import {
  type ImportAction,
  ACTIONS,
  type ImportReport,
  isMoving,
  shownStatus,
  STATUS_COLORS,
} from './import.status.ts';
import { ImportMapping } from './import.mapping.tsx';
import { ImportRows } from './import.rows.tsx';
import css from './records.module.css';

const REFRESH_MS = 1000;
const COUNTS = ['created', 'updated', 'unchanged', 'waiting', 'rejected', 'duplicate'] as const;

/** One import: its progress, what became of its rows, and what can be done with it. */
export function ImportDetails() {
  const { t } = useTranslation();
  const { list } = useParams({ from: '/imports/$list' });
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['imports', 'one', list],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/imports/{id}', { params: { path: { id: list } }, signal })),
    refetchInterval: ({ state }) => (state.data !== undefined && isMoving(state.data) ? REFRESH_MS : false),
  });
  return (
    <Drawer
      opened
      onClose={() => void navigate({ to: '/imports' })}
      position="right"
      size="xl"
      title={t('imports.list')}
      closeButtonProps={{ 'aria-label': t('lists.close') }}
    >
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={120} />}
      {data !== undefined && <Report report={data} />}
    </Drawer>
  );
}

function Report({ report }: { report: ImportReport }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { status, rows_done, rows_total, percent, file_id } = report;
  const isRunning = isMoving(report);
  useEffect(() => {
    if (isRunning) followImport(file_id);
    else forgetImport(file_id);
  }, [isRunning, file_id]);
  return (
    <Stack>
      <div>
        <Title order={2} size="h3">
          {report.file_name || t('imports.unnamed')}
        </Title>
        <Group gap="xs">
          <Badge color={STATUS_COLORS[status]} variant="dot" tt="none">
            {t(report.undoing ? 'imports.undoing' : `imports.statuses.${shownStatus(report)}`)}
          </Badge>
          <Text className="quiet">
            {t('imports.by', { account: report.account, when: formats.moment(report.created_at) })}
          </Text>
        </Group>
      </div>
      {isRunning && (
        <div role="status">
          <Progress value={percent} animated aria-label={t('imports.progress', { percent })} />
          <Text size="sm" className="quiet">
            {t('imports.done', { done: formats.number(rows_done), total: formats.number(rows_total) })}
          </Text>
        </div>
      )}
      <Text>{t(`imports.meaning.${shownStatus(report)}`)}</Text>
      {report.failure_details !== null && (
        <Alert color="red" variant="light">
          {report.failure_details.message} {report.failure_details.suggestion}
        </Alert>
      )}
      <dl className={css.counts}>
        {COUNTS.map((name) => (
          <div key={name}>
            <dt>{t(`imports.counts.${name}`)}</dt>
            <dd>{formats.number(report[name])}</dd>
          </div>
        ))}
      </dl>
      {report.status === 'needs_mapping' && <ImportMapping list={report.file_id} />}
      <Actions report={report} />
      {report.findings.map(({ code, severity, message, suggestion, columns }) => (
        <Alert key={code} color={severity === 'error' ? 'red' : 'yellow'} variant="light">
          {message} {suggestion}
          {columns.length > 0 && <Text size="sm">{columns.join(', ')}</Text>}
        </Alert>
      ))}
      {report.rejected + report.waiting > 0 && <ImportRows list={report.file_id} />}
    </Stack>
  );
}

function Actions({ report }: { report: ImportReport }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayImport = useMe().rights.includes('records:import');
  const [isUndoing, setUndoing] = useState(false);
  const id = report.file_id;
  const act = useMutation({
    mutationFn: (action: ImportAction) =>
      gateway.POST(`/api/imports/{id}/${action}`, { params: { path: { id } } }),
    onSettled: () => {
      setUndoing(false);
      return queries.invalidateQueries({ queryKey: ['imports'] });
    },
  });
  const actions = report.undoing || !mayImport ? [] : ACTIONS[report.status];
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {actions.map((action) => (
          <Button
            key={action}
            variant={action === 'commit' ? 'filled' : 'default'}
            loading={act.isPending && act.variables === action}
            onClick={() => (action === 'undo' ? setUndoing(true) : act.mutate(action))}
          >
            {t(`imports.actions.${action}`)}
          </Button>
        ))}
        {report.rejected + report.waiting > 0 && (
          <Button variant="default" component="a" href={`/api/imports/${id}/errors.csv`} download>
            {t('imports.errors')}
          </Button>
        )}
      </Group>
      {isUndoing && (
        <Alert color="red" variant="light">
          <Text>{t('imports.undoMeaning', { count: report.created + report.updated })}</Text>
          <Group gap="xs" mt="xs">
            <Button size="xs" color="red" loading={act.isPending} onClick={() => act.mutate('undo')}>
              {t('imports.undoSurely')}
            </Button>
            <Button size="xs" variant="default" onClick={() => setUndoing(false)}>
              {t('lists.cancel')}
            </Button>
          </Group>
        </Alert>
      )}
      {act.error !== null && <ProblemView problem={act.error} />}
    </Stack>
  );
}
