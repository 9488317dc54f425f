import { Anchor, Button, Group, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { ProblemView } from '../frame/problem.view.tsx';

/** The accounts of modalities, scripts and other systems. */
export function MachinesList() {
  const { t } = useTranslation();
  return (
    <Stack p="md" gap="md">
      <PagedTable
        about={['machines']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/accounts', { params: { query }, signal }))}
        keyOf={({ id }) => id}
        search={t('machines.search')}
        empty={t('machines.none')}
        actions={<NewMachine />}
        columns={[
          {
            name: 'name',
            title: t('machines.name'),
            cell: ({ id, name }) => (
              <Anchor
                renderRoot={(props) => <Link {...props} to="/machines/$machine" params={{ machine: id }} />}
              >
                {name}
              </Anchor>
            ),
          },
          {
            name: 'institution',
            title: t('machines.institution'),
            cell: ({ institution }) => institution ?? '',
          },
          { name: 'issuer', title: t('machines.issuer'), cell: ({ issuer }) => issuer ?? '' },
          {
            name: 'state',
            title: t('people.state'),
            cell: ({ disabled }) => t(disabled ? 'people.disabled' : 'people.active'),
          },
        ]}
      />
      <Outlet />
    </Stack>
  );
}

function NewMachine() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [institution, setInstitution] = useState('');
  const add = useMutation({
    mutationFn: () =>
      gateway.POST('/api/accounts', {
        body: { name, institution: institution.trim() === '' ? null : institution },
      }),
    onSuccess: () => {
      setName('');
      setInstitution('');
      return queries.invalidateQueries({ queryKey: ['machines'] });
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
          placeholder={t('machines.newName')}
          aria-label={t('machines.newName')}
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
          maxLength={128}
        />
        <TextInput
          placeholder={t('machines.institution')}
          aria-label={t('machines.institution')}
          value={institution}
          onChange={({ currentTarget }) => setInstitution(currentTarget.value)}
          maxLength={64}
        />
        <Button type="submit" loading={add.isPending} disabled={name.trim() === ''}>
          {t('groups.add')}
        </Button>
      </Group>
      {add.error !== null && <ProblemView problem={add.error} />}
    </form>
  );
}
