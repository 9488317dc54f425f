import { Box } from '@mantine/core';
import { useDebouncedValue, useElementSize, useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { Outlet, useParams, useSearch } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';
import { onWords, wordsNow } from './search.words.ts';
import { StudiesEmpty } from './studies.empty.tsx';
import { StudiesFilters } from './studies.filters.tsx';
import { StudiesHead } from './studies.head.tsx';
import css from './studies.module.css';
import { chosenColumns, fitting, onColumns, PHONE_COLUMNS, tracksOf } from './study.columns.ts';
import { PAGE_SIZE, studyPageQuery } from './study.queries.ts';
import { StudyRow } from './study.row.tsx';

const TYPING_MS = 150;
const ROW_PX = 48;
/** Rows above and below the screen whose pages are also loaded. */
const AHEAD_ROWS = 40;
/** While somebody drags the scroll bar, only the pages on which the list rests are loaded. */
const RESTING_MS = 60;
const PX_PER_REM = 16;

/** The studies that the person may read, newest first. The list draws only the rows on the screen, and loads their pages. */
export function StudiesList() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [words] = useDebouncedValue(useSyncExternalStore(onWords, wordsNow), TYPING_MS);
  const { sort: order = '-date', ...filters } = useSearch({ from: '/studies' });
  const search = { ...filters, q: words.trim() };
  const { ref: list, width } = useElementSize();
  const chosen = useSyncExternalStore(onColumns, chosenColumns);
  const isPhone = useMediaQuery('(max-width: 48rem)', false);
  const columns = isPhone ? PHONE_COLUMNS : fitting(chosen, width / PX_PER_REM - 2);
  const open = useParams({ strict: false }).study;
  // While a new search is running, the matches of the last one stay.
  const first = useQuery({ ...studyPageQuery(search, 0, order), placeholderData: keepPreviousData });
  const total = first.data?.total ?? 0;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const shown = rows.getVirtualItems();
  const [from, to] = [(shown[0]?.index ?? 0) - AHEAD_ROWS, (shown.at(-1)?.index ?? 0) + AHEAD_ROWS];
  const pageOf = (index: number) =>
    Math.floor(Math.min(Math.max(index, 0), Math.max(total - 1, 0)) / PAGE_SIZE);
  const [range] = useDebouncedValue(`${pageOf(from)}-${pageOf(to)}`, RESTING_MS);
  const [start = 0, end = 0] = range.split('-').map(Number);
  const numbers = Array.from({ length: end - start + 1 }, (_, at) => start + at);
  const pages = useQueries({ queries: numbers.map((page) => studyPageQuery(search, page, order)) });
  const asked = JSON.stringify([search, order]);
  useEffect(() => {
    if (scroller.current !== null) scroller.current.scrollTop = 0;
  }, [asked]);
  const studyAt = (index: number) => {
    const page = Math.floor(index / PAGE_SIZE);
    const { items } = (page === 0 ? first.data : pages[numbers.indexOf(page)]?.data) ?? {};
    return items?.[index % PAGE_SIZE];
  };
  return (
    <div className={css.panes} data-open={open !== undefined}>
      <section ref={list} className={css.list} aria-label={t('studies.title')} aria-busy={first.isFetching}>
        <StudiesFilters search={search} />
        <p className={css.count} role="status">
          {first.data === undefined
            ? ' '
            : t('studies.count', { count: total, shown: formats.number(total) })}
        </p>
        {first.error !== null && <ProblemView problem={first.error} again={() => void first.refetch()} />}
        {first.data !== undefined && total === 0 && (
          <StudiesEmpty isFiltered={words !== '' || Object.values(filters).some(Boolean)} />
        )}
        <Box
          ref={scroller}
          className={css.scroller}
          role="table"
          aria-rowcount={total + 1}
          aria-label={t('studies.title')}
          __vars={{ '--tracks': tracksOf(columns) }}
        >
          <StudiesHead columns={columns} order={order} />
          <div role="rowgroup" className={css.body} style={{ height: rows.getTotalSize() }}>
            {shown.map(({ index, key, start }) => (
              <StudyRow
                key={key}
                index={index}
                top={start}
                study={studyAt(index)}
                open={open}
                columns={columns}
              />
            ))}
          </div>
        </Box>
      </section>
      <Outlet />
    </div>
  );
}
