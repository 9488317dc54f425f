import { Anchor, Badge, Progress, Stack, Text } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useMe } from '../client/me.ts';
import { useFormats } from '../frame/formats.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { isMoving, shownStatus, STATUS_COLORS } from './import.status.ts';
import { NewImport } from './new.import.tsx';

/** The lists of patients that were uploaded, newest first, with their progress. */
export function ImportsList() {
  const { t } = useTranslation();
  const formats = useFormats();
  const mayImport = useMe().rights.includes('records:import');
  return (
    <Stack p="md" gap="md">
      {mayImport && <NewImport />}
      <PagedTable
        about={['imports']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/imports', { params: { query }, signal }))}
        keyOf={({ file_id }) => file_id}
        search={t('imports.search')}
        empty={t('imports.none')}
        isMoving={isMoving}
        columns={[
          {
            name: 'file',
            title: t('imports.file'),
            cell: ({ file_id, file_name }) => (
              <Anchor
                renderRoot={(props) => <Link {...props} to="/imports/$list" params={{ list: file_id }} />}
              >
                {file_name || t('imports.unnamed')}
              </Anchor>
            ),
          },
          {
            name: 'status',
            title: t('imports.status'),
            cell: (item) => (
              <Badge color={STATUS_COLORS[item.status]} variant="dot" tt="none">
                {t(`imports.statuses.${shownStatus(item)}`)}
              </Badge>
            ),
          },
          {
            name: 'progress',
            title: t('imports.rows'),
            cell: (item) =>
              isMoving(item) ? (
                <Progress
                  value={item.percent}
                  aria-label={t('imports.progress', { percent: item.percent })}
                />
              ) : (
                <Text span className="figures">
                  {formats.number(item.rows_total)}
                </Text>
              ),
          },
          { name: 'account', title: t('imports.account'), cell: ({ account }) => account },
          { name: 'at', title: t('imports.at'), cell: ({ created_at }) => formats.moment(created_at) },
        ]}
      />
      <Outlet />
    </Stack>
  );
}
