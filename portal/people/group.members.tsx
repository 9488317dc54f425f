import { Autocomplete, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';

const TYPING_MS = 150;

/** The people of a group. A person is added by the username. */
export function GroupMembers({ group }: { group: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, TYPING_MS);
  const members = useQuery({
    queryKey: ['users', 'in', group],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/users', { params: { query: { group, limit: '1000' } }, signal })),
  });
  const found = useQuery({
    queryKey: ['users', 'found', q],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/users', { params: { query: { q, limit: '10' } }, signal })),
    enabled: q !== '',
  });
  const ask = () => queries.invalidateQueries({ queryKey: ['users', 'in', group] });
  const path = { group };
  const add = useMutation({
    mutationFn: (id: string) =>
      gateway.POST('/api/groups/{group}/members', { params: { path }, body: { user_id: id } }),
    onSuccess: () => setTyped(''),
    onSettled: ask,
  });
  const remove = useMutation({
    mutationFn: (id: string) =>
      gateway.DELETE('/api/groups/{group}/members/{id}', { params: { path: { group, id } } }),
    onSettled: ask,
  });
  const chosen = found.data?.items.find(({ username }) => username === typed.trim());
  const trouble = members.error ?? add.error ?? remove.error;
  return (
    <Stack gap="xs" component="section" aria-labelledby="members">
      <Title order={3} size="h5" id="members">
        {t('groups.members', { count: members.data?.total ?? 0 })}
      </Title>
      {trouble !== null && <ProblemView problem={trouble} again={() => void members.refetch()} />}
      {members.data?.items.map(({ id, username, display_name }) => (
        <Group key={id} justify="space-between">
          <Text>
            {display_name || username} <span className="quiet">{username}</span>
          </Text>
          <Button
            size="xs"
            variant="subtle"
            color="red"
            disabled={remove.isPending}
            onClick={() => remove.mutate(id)}
          >
            {t('groups.removeMember')}
          </Button>
        </Group>
      ))}
      <Group gap="xs" align="flex-end">
        <Autocomplete
          label={t('groups.addMember')}
          value={typed}
          onChange={setTyped}
          data={found.data?.items.map(({ username }) => username) ?? []}
          filter={({ options }) => options}
        />
        <Button
          disabled={chosen === undefined}
          loading={add.isPending}
          onClick={() => chosen && add.mutate(chosen.id)}
        >
          {t('groups.add')}
        </Button>
      </Group>
    </Stack>
  );
}
