import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { AuditCharts } from './audit.charts.tsx';
import { AuditVerification } from './audit.verification.tsx';
import { type AuditFilters, loadEntries } from './audit.entries.ts';

const TYPING_MS = 300;
const FILTERS = ['account', 'patient', 'study', 'action'] as const;
/** The audit: who read or changed what, and when. The filters may name patients, so they stay in memory. */
export function AuditPage() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [typed, setTyped] = useState<AuditFilters>({});
  const [filters] = useDebouncedValue(typed, TYPING_MS);
  const set = (name: keyof AuditFilters) => (event: { currentTarget: { value: string } }) =>
    setTyped({ ...typed, [name]: event.currentTarget.value });
  const query: AuditFilters = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ''));
  const csv = new URLSearchParams([...Object.entries(query), ['format', 'csv']]).toString();
  return (
    <Stack p="md" gap="md">
      <Group align="flex-end" gap="sm">
        {FILTERS.map((name) => (
          <TextInput
            key={name}
            label={t(`audit.filters.${name}`)}
            value={typed[name] ?? ''}
            onChange={set(name)}
            w={180}
            maxLength={200}
          />
        ))}
        <TextInput
          type="date"
          label={t('audit.filters.from')}
          value={typed.from ?? ''}
          onChange={set('from')}
        />
        <TextInput type="date" label={t('audit.filters.to')} value={typed.to ?? ''} onChange={set('to')} />
        <Button component="a" variant="default" href={`/api/audit?${csv}`} download="audit.csv">
          {t('audit.export')}
        </Button>
      </Group>
      <AuditCharts filters={query} />
      <AuditVerification />
      <PagedTable
        about={['audit', query]}
        load={(request) => loadEntries(query, request)}
        keyOf={({ id, at, action }) => `${id ?? ''} ${at ?? ''} ${action}`}
        empty={t('audit.none')}
        columns={[
          { name: 'at', title: t('audit.at'), cell: ({ at }) => (at === null ? '' : formats.moment(at)) },
          { name: 'account', title: t('audit.account'), cell: ({ account }) => account?.name ?? '' },
          { name: 'action', title: t('audit.action'), cell: ({ action }) => action },
          { name: 'patient', title: t('audit.patient'), cell: ({ patient }) => patient?.patient_id ?? '' },
          { name: 'status', title: t('audit.status'), cell: ({ status }) => status ?? '' },
          { name: 'address', title: t('audit.address'), cell: ({ address }) => address },
        ]}
      />
    </Stack>
  );
}
