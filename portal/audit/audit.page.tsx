import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import type { paths } from 'interface';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { type PageRequest, PagedTable } from '../frame/paged.table.tsx';

type Entries = paths['/api/audit']['get']['responses'][200]['content']['application/json'];

const TYPING_MS = 300;
const FILTERS = ['account', 'patient', 'study', 'action'] as const;
type Filters = Partial<Record<(typeof FILTERS)[number] | 'from' | 'to', string>>;

/** Whether an answer is a page of entries. The interface can also answer with other formats. */
function isPage(answer: unknown): answer is Entries {
  return typeof answer === 'object' && answer !== null && 'items' in answer && 'total' in answer;
}

async function load(query: Filters, { limit, offset, signal }: PageRequest): Promise<Entries> {
  const answer = await bodyOf(
    gateway.GET('/api/audit', { params: { query: { ...query, limit, offset } }, signal }),
  );
  return isPage(answer) ? answer : { items: [], total: 0 };
}

/** The audit: who read or changed what, and when. The filters may name patients, so they stay in memory. */
export function AuditPage() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [typed, setTyped] = useState<Filters>({});
  const [filters] = useDebouncedValue(typed, TYPING_MS);
  const set = (name: keyof Filters) => (event: { currentTarget: { value: string } }) =>
    setTyped({ ...typed, [name]: event.currentTarget.value });
  const query: Filters = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ''));
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
      <PagedTable
        about={['audit', query]}
        load={(request) => load(query, request)}
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
