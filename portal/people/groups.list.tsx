import { Anchor, Button, Group, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { ProblemView } from '../frame/problem.view.tsx';

/** The groups. The grants of its groups say what an account may do. */
export function GroupsList() {
  const { t } = useTranslation();
  return (
    <Stack p="md" gap="md">
      <PagedTable
        about={['groups']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/groups', { params: { query }, signal }))}
        keyOf={({ id }) => id}
        search={t('groups.search')}
        empty={t('groups.none')}
        actions={<NewGroup />}
        columns={[
          {
            name: 'name',
            title: t('groups.name'),
            cell: ({ id, name }) => (
              <Anchor renderRoot={(props) => <Link {...props} to="/groups/$group" params={{ group: id }} />}>
                {name}
              </Anchor>
            ),
          },
          { name: 'description', title: t('groups.description'), cell: ({ description }) => description },
        ]}
      />
      <Outlet />
    </Stack>
  );
}

function NewGroup() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const add = useMutation({
    mutationFn: () => gateway.POST('/api/groups', { body: { name } }),
    onSuccess: () => {
      setName('');
      return queries.invalidateQueries({ queryKey: ['groups'] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '' && !add.isPending) add.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs">
        <TextInput
          placeholder={t('groups.newName')}
          aria-label={t('groups.newName')}
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
          maxLength={128}
        />
        <Button type="submit" loading={add.isPending} disabled={name.trim() === ''}>
          {t('groups.add')}
        </Button>
      </Group>
      {add.error !== null && <ProblemView problem={add.error} />}
    </form>
  );
}
