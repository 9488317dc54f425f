import { Anchor, Stack } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { NewNameForm } from './new.name.form.tsx';

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
        actions={
          <NewNameForm
            label={t('groups.newName')}
            about="groups"
            add={(name) => gateway.POST('/api/groups', { body: { name } })}
          />
        }
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
