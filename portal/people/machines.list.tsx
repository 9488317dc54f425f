import { Anchor, Stack } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { NewNameForm } from './new.name.form.tsx';

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
        actions={
          <NewNameForm
            label={t('machines.newName')}
            further={{ label: t('machines.institution'), maxLength: 64 }}
            about="machines"
            add={(name, institution) =>
              gateway.POST('/api/accounts', {
                body: { name, institution: institution === '' ? null : institution },
              })
            }
          />
        }
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
