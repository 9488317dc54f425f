import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { Outlet, useParams, useSearch } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';
import { onWords, wordsNow } from './search.words.ts';
import { StudiesEmpty } from './studies.empty.tsx';
import { StudiesFilters } from './studies.filters.tsx';
import css from './studies.module.css';
import { PAGE_SIZE, studyPageQuery } from './study.queries.ts';
import { StudyRow } from './study.row.tsx';

const TYPING_MS = 150;
const ROW_PX = 48;
const COLUMNS = [
  'patient',
  'patientId',
  'birthDate',
  'date',
  'modalities',
  'description',
  'accession',
  'images',
] as const;

/** The studies that the person may read, newest first. The list draws only the rows on the screen, and loads their pages. */
export function StudiesList() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [words] = useDebouncedValue(useSyncExternalStore(onWords, wordsNow), TYPING_MS);
  const filters = useSearch({ from: '/studies' });
  const search = { ...filters, q: words.trim() };
  const open = useParams({ strict: false }).study;
  // While a new search is running, the matches of the last one stay.
  const first = useQuery({ ...studyPageQuery(search, 0), placeholderData: keepPreviousData });
  const total = first.data?.total ?? 0;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const shown = rows.getVirtualItems();
  const numbers = [...new Set(shown.map(({ index }) => Math.floor(index / PAGE_SIZE)))];
  const pages = useQueries({ queries: numbers.map((page) => studyPageQuery(search, page)) });
  const studyAt = (index: number) => {
    const page = Math.floor(index / PAGE_SIZE);
    const { items } = (page === 0 ? first.data : pages[numbers.indexOf(page)]?.data) ?? {};
    return items?.[index % PAGE_SIZE];
  };
  return (
    <div className={css.panes} data-open={open !== undefined}>
      <section className={css.list} aria-label={t('studies.title')} aria-busy={first.isFetching}>
        <StudiesFilters filters={filters} />
        <p className={css.count} role="status">
          {first.data === undefined
            ? ' '
            : t('studies.count', { count: total, shown: formats.number(total) })}
        </p>
        {first.error !== null && <ProblemView problem={first.error} again={() => void first.refetch()} />}
        {first.data !== undefined && total === 0 && (
          <StudiesEmpty isFiltered={words !== '' || Object.values(filters).some(Boolean)} />
        )}
        <div
          ref={scroller}
          className={css.scroller}
          role="table"
          aria-rowcount={total + 1}
          aria-label={t('studies.title')}
        >
          <div role="rowgroup" className={css.head}>
            <div role="row" aria-rowindex={1} className={css.row}>
              <span role="columnheader" aria-label={t('studies.columns.picture')} />
              {COLUMNS.map((column) => (
                <span key={column} role="columnheader" data-column={column}>
                  {t(`studies.columns.${column}`)}
                </span>
              ))}
            </div>
          </div>
          <div role="rowgroup" className={css.body} style={{ height: rows.getTotalSize() }}>
            {shown.map(({ index, key, start }) => (
              <StudyRow key={key} index={index} top={start} study={studyAt(index)} open={open} />
            ))}
          </div>
        </div>
      </section>
      <Outlet />
    </div>
  );
}
