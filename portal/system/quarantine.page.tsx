import { Anchor, Stack, Text } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { QuarantineDecision } from './quarantine.decision.tsx';

/** Objects that contradict the catalog, with both sides next to each other. They are not visible until somebody decides. */
export function QuarantinePage() {
  const { t, i18n } = useTranslation();
  const formats = useFormats();
  const reason = (code: string) => i18n.t(`quarantine.reasons.${code}`, { defaultValue: code });
  return (
    <Stack p="md" gap="md">
      <Text>{t('quarantine.intro')}</Text>
      <PagedTable
        about={['quarantine']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/quarantine', { params: { query }, signal }))}
        keyOf={({ id }) => id}
        search={t('quarantine.search')}
        empty={t('quarantine.none')}
        columns={[
          { name: 'since', title: t('quarantine.since'), cell: ({ since }) => formats.moment(since) },
          { name: 'reason', title: t('quarantine.reason'), cell: (item) => reason(item.reason) },
          {
            name: 'arrived',
            title: t('quarantine.arrived'),
            cell: ({ patient, modalities, instances }) => (
              <>
                <Text>{`${patient.patient_id} (${patient.issuer})`}</Text>
                <Text size="sm" className="quiet">
                  {`${modalities.join(', ')} · ${t('study.images', { count: instances, shown: formats.number(instances) })}`}
                </Text>
              </>
            ),
          },
          {
            name: 'held',
            title: t('quarantine.held'),
            cell: ({ held_by: held }) => (held === null ? '–' : `${held.patient_id} (${held.issuer})`),
          },
          {
            name: 'compare',
            title: t('quarantine.compareTitle'),
            cell: ({ id }) => (
              <Anchor component={Link} to={`/quarantine/${id}`} size="sm">
                {t('quarantine.compare')}
              </Anchor>
            ),
          },
          {
            name: 'decision',
            title: t('quarantine.decision'),
            cell: (item) => <QuarantineDecision item={item} />,
          },
        ]}
      />
      <Outlet />
    </Stack>
  );
}
