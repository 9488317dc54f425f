import { Button, Group, List, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';

const SHOWN_NAMES = 5;

/** Whether the members of a group need a second factor. Before the change, the page says what happens to whom. */
export function GroupFactor({ group }: { group: { id: string; requires_second_factor: boolean } }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const params = { path: { id: group.id } };
  const change = useMutation({
    mutationFn: (requires_second_factor: boolean) =>
      gateway.PATCH('/api/groups/{id}', { params, body: { requires_second_factor } }),
    onSuccess: () => setAsking(false),
    onSettled: () => queries.invalidateQueries({ queryKey: ['groups'] }),
  });
  return (
    <Stack gap="xs" component="section" aria-labelledby="group-factor" align="flex-start">
      <Title order={3} size="h5" id="group-factor">
        {t('factors.group.title')}
      </Title>
      <Text>
        {t(group.requires_second_factor ? 'factors.group.isRequired' : 'factors.group.notRequired')}
      </Text>
      {change.error !== null && <ProblemView problem={change.error} />}
      {isAsking && (
        <div role="status">
          <Effects group={group.id} />
        </div>
      )}
      {group.requires_second_factor ? (
        <Button variant="default" loading={change.isPending} onClick={() => change.mutate(false)}>
          {t('factors.group.release')}
        </Button>
      ) : (
        <Group>
          <Button
            variant={isAsking ? 'filled' : 'default'}
            loading={change.isPending}
            onClick={() => (isAsking ? change.mutate(true) : setAsking(true))}
          >
            {t(isAsking ? 'factors.group.surely' : 'factors.group.require')}
          </Button>
          {isAsking && (
            <Button variant="default" onClick={() => setAsking(false)}>
              {t('factors.cancel')}
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

/** What happens to the people of the group. A sentence about nobody is left out. */
function Effects({ group }: { group: string }) {
  const { t } = useTranslation();
  const { data, error } = useQuery({
    queryKey: ['groups', 'factor', group],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/groups/{id}/second-factor', { params: { path: { id: group } }, signal })),
  });
  if (error !== null) return <ProblemView problem={error} />;
  if (data === undefined) return null;
  const listed = data.usernames.slice(0, SHOWN_NAMES).join(', ');
  const names = data.without_factor > SHOWN_NAMES ? t('factors.group.more', { names: listed }) : listed;
  return (
    <List>
      {data.without_factor > 0 && (
        <List.Item>{t('factors.group.without', { count: data.without_factor, names })}</List.Item>
      )}
      {data.sign_ins > 0 && <List.Item>{t('factors.group.ends', { count: data.sign_ins })}</List.Item>}
      {data.with_factor > 0 && <List.Item>{t('factors.group.with', { count: data.with_factor })}</List.Item>}
      {data.exempt > 0 && <List.Item>{t('factors.group.exempt', { count: data.exempt })}</List.Item>}
    </List>
  );
}
