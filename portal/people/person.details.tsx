import { Anchor, Badge, Button, Drawer, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { PersonFactors } from './person.factors.tsx';
import { PersonVisibility } from './person.visibility.tsx';

/** One person: groups, state and sign-ins. */
export function PersonDetails() {
  const { t } = useTranslation();
  const { user } = useParams({ from: '/people/$user' });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = { params: { path: { id: user } } };
  const person = useQuery({
    queryKey: ['users', 'one', user],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/users/{id}', { ...path, signal })),
  });
  const groups = useQuery({
    queryKey: ['groups', 'of', user],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/groups', { params: { query: { member: user } }, signal })),
  });
  const sessions = useQuery({
    queryKey: ['users', 'sessions', user],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/users/{user}/sessions', { params: { path: { user } }, signal })),
  });
  const ask = () => queries.invalidateQueries({ queryKey: ['users'] });
  const change = useMutation({
    mutationFn: (disabled: boolean) => gateway.PATCH('/api/users/{id}', { ...path, body: { disabled } }),
    onSettled: ask,
  });
  const endAll = useMutation({
    mutationFn: () => gateway.DELETE('/api/users/{user}/sessions', { params: { path: { user } } }),
    onSettled: ask,
  });
  const trouble = person.error ?? change.error ?? endAll.error;
  return (
    <Drawer
      opened
      onClose={() => void navigate({ to: '/people' })}
      position="right"
      title={t('people.person')}
      closeButtonProps={{ 'aria-label': t('lists.close') }}
    >
      <Stack>
        {trouble !== null && <ProblemView problem={trouble} again={() => void person.refetch()} />}
        {person.data === undefined && person.error === null && <Skeleton height={60} />}
        {person.data !== undefined && (
          <>
            <div>
              <Title order={2} size="h3">
                {person.data.display_name || person.data.username}
              </Title>
              <Group gap="xs">
                <Text className="quiet">{person.data.username}</Text>
                {person.data.disabled && (
                  <Badge color="gray" tt="none">
                    {t('people.disabled')}
                  </Badge>
                )}
              </Group>
            </div>
            <div>
              <Text fw={600}>{t('people.groups')}</Text>
              {groups.data?.total === 0 && <Text className="quiet">{t('people.noGroups')}</Text>}
              {groups.data?.items.map(({ id, name }) => (
                <Text key={id}>
                  <Anchor
                    renderRoot={(props) => <Link {...props} to="/groups/$group" params={{ group: id }} />}
                  >
                    {name}
                  </Anchor>
                </Text>
              ))}
            </div>
            <PersonVisibility person={person.data} />
            <div>
              <Text fw={600}>{t('people.signIns')}</Text>
              <Text>{t('people.sessions', { count: sessions.data?.total ?? 0 })}</Text>
            </div>
            <PersonFactors user={user} />
            <Group>
              <Button
                variant="default"
                loading={endAll.isPending}
                disabled={(sessions.data?.total ?? 0) === 0}
                onClick={() => endAll.mutate()}
              >
                {t('people.signOutAll')}
              </Button>
              <Button
                variant="default"
                loading={change.isPending}
                onClick={() => change.mutate(!person.data.disabled)}
              >
                {t(person.data.disabled ? 'people.enable' : 'people.disable')}
              </Button>
            </Group>
            {!person.data.disabled && (
              <Text size="sm" className="quiet">
                {t('people.disableHelp')}
              </Text>
            )}
          </>
        )}
      </Stack>
    </Drawer>
  );
}
