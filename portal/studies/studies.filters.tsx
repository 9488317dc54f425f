import { Button, Group, Menu, Pill } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { daysAgo } from '../frame/readable.values.ts';
import type { StudySearch } from './study.queries.ts';

/** The usual values of Modality (PS3.3 C.7.3.1.1.1). */
const MODALITIES = [
  'CR',
  'CT',
  'DX',
  'ES',
  'IO',
  'MG',
  'MR',
  'NM',
  'OP',
  'PT',
  'RF',
  'RTSTRUCT',
  'SM',
  'SR',
  'US',
  'XA',
  'XC',
];
const PERIODS = { today: 0, week: 6, month: 29, year: 364 } as const;
const NAMES = ['today', 'week', 'month', 'year'] as const;

/** The filters of the list. A chosen filter is a chip that can be removed. The address keeps them. */
export function StudiesFilters({ filters }: { filters: StudySearch }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const navigate = useNavigate();
  const set = (change: StudySearch) => void navigate({ to: '.', search: (kept) => ({ ...kept, ...change }) });
  const { modality, from, to } = filters;
  const day = (value: string | undefined) => (value === undefined ? '…' : formats.day(value));
  return (
    <Group gap="xs" px="md" pt="sm">
      <Menu>
        <Menu.Target>
          <Button size="xs" variant="default">
            {t('studies.filters.modality')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
          {MODALITIES.map((value) => (
            <Menu.Item key={value} onClick={() => set({ modality: value })}>
              {value}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu>
        <Menu.Target>
          <Button size="xs" variant="default">
            {t('studies.filters.date')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {NAMES.map((name) => (
            <Menu.Item
              key={name}
              onClick={() => set({ from: daysAgo(PERIODS[name], new Date()), to: undefined })}
            >
              {t(`studies.filters.${name}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {modality !== undefined && (
        <Pill
          withRemoveButton
          onRemove={() => set({ modality: undefined })}
          removeButtonProps={{
            'aria-label': t('studies.filters.remove', { filter: modality }),
            tabIndex: 0,
            'aria-hidden': false,
          }}
        >
          {modality}
        </Pill>
      )}
      {(from !== undefined || to !== undefined) && (
        <Pill
          withRemoveButton
          onRemove={() => set({ from: undefined, to: undefined })}
          removeButtonProps={{
            'aria-label': t('studies.filters.remove', { filter: t('studies.filters.date') }),
            tabIndex: 0,
            'aria-hidden': false,
          }}
        >
          {`${day(from)} – ${day(to)}`}
        </Pill>
      )}
    </Group>
  );
}
