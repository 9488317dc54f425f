import { Anchor, Badge, Button, Stack } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { NewPersonForm } from './new.person.form.tsx';

/** The people who can sign in. */
export function PeopleList() {
  const { t } = useTranslation();
  const [isAdding, setAdding] = useState(false);
  return (
    <Stack p="md" gap="md">
      {isAdding && <NewPersonForm done={() => setAdding(false)} />}
      <PagedTable
        about={['users']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/users', { params: { query }, signal }))}
        keyOf={({ id }) => id}
        search={t('people.search')}
        empty={t('people.none')}
        actions={
          !isAdding && (
            <Button onClick={() => setAdding(true)} ms="auto">
              {t('people.add')}
            </Button>
          )
        }
        columns={[
          {
            name: 'username',
            title: t('people.username'),
            cell: ({ id, username }) => (
              <Anchor renderRoot={(props) => <Link {...props} to="/people/$user" params={{ user: id }} />}>
                {username}
              </Anchor>
            ),
          },
          { name: 'name', title: t('people.name'), cell: ({ display_name }) => display_name },
          {
            name: 'patient',
            title: t('people.patient'),
            cell: ({ patient }) => (patient === null ? '' : `${patient.patient_id} (${patient.issuer})`),
          },
          {
            name: 'state',
            title: t('people.state'),
            cell: ({ disabled }) =>
              disabled ? (
                <Badge color="gray" tt="none">
                  {t('people.disabled')}
                </Badge>
              ) : (
                t('people.active')
              ),
          },
        ]}
      />
      <Outlet />
    </Stack>
  );
}
