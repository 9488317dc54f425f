import { Badge, Button, Card, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';

const SESSIONS = ['sessions'];

/** The active sign-ins of the person. Each can be ended, and all others together. */
export function SessionsList() {
  const { t } = useTranslation();
  const formats = useFormats();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: SESSIONS,
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/me/sessions', { signal })),
  });
  const ask = () => queries.invalidateQueries({ queryKey: SESSIONS });
  const end = useMutation({
    mutationFn: (id: string) => gateway.DELETE('/api/me/sessions/{id}', { params: { path: { id } } }),
    onSettled: ask,
  });
  const endOthers = useMutation({ mutationFn: () => gateway.DELETE('/api/me/sessions'), onSettled: ask });
  const trouble = error ?? end.error ?? endOthers.error;
  const others = data?.items.filter(({ current }) => !current) ?? [];
  return (
    <Card withBorder component="section" aria-labelledby="sessions-title">
      <Stack gap="sm">
        <Title order={2} size="h4" id="sessions-title">
          {t('sessions.title')}
        </Title>
        {trouble !== null && <ProblemView problem={trouble} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={60} />}
        {data?.items.map(({ id, kind, client, address, last_seen_at, current }) => (
          <Group key={id} justify="space-between" wrap="nowrap">
            <div>
              <Text lineClamp={1}>
                {kind === 'token' ? t('sessions.program') : client || t('sessions.browser')}
              </Text>
              <Text size="sm" className="quiet">
                {address} · {t('sessions.used', { when: formats.moment(last_seen_at) })}
              </Text>
            </div>
            {current ? (
              <Badge variant="light" tt="none" flex="none">
                {t('sessions.this')}
              </Badge>
            ) : (
              <Button size="xs" variant="default" disabled={end.isPending} onClick={() => end.mutate(id)}>
                {t('sessions.end')}
              </Button>
            )}
          </Group>
        ))}
        {others.length > 1 && (
          <Group>
            <Button variant="default" loading={endOthers.isPending} onClick={() => endOthers.mutate()}>
              {t('sessions.endOthers', { count: others.length })}
            </Button>
          </Group>
        )}
      </Stack>
    </Card>
  );
}
