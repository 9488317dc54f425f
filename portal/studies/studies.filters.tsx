import { Button, Menu, Pill } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { daysAgo } from '../frame/readable.values.ts';
import { ColumnsMenu } from './columns.menu.tsx';
import { ModalityCounts } from './modality.counts.tsx';
import css from './studies.module.css';
import type { StudySearch } from './study.queries.ts';

const PERIODS = { today: 0, week: 6, month: 29, year: 364 } as const;
const NAMES = ['today', 'week', 'month', 'year'] as const;

/** The filters of the list and its columns. The address keeps the filters, except the words. */
export function StudiesFilters({ search }: { search: StudySearch }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const navigate = useNavigate();
  const set = (change: StudySearch) => void navigate({ to: '.', search: (kept) => ({ ...kept, ...change }) });
  const { from, to } = search;
  const day = (value: string | undefined) => (value === undefined ? '…' : formats.day(value));
  return (
    <div className={css.filters}>
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
      <ModalityCounts search={search} choose={(modality) => set({ modality })} />
      <ColumnsMenu />
    </div>
  );
}
