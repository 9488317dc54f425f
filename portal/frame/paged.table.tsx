import { Button, Group, Skeleton, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from './formats.ts';
import { ProblemView } from './problem.view.tsx';

const STEP = 50;
const TYPING_MS = 150;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly total: number;
}

/** The request for one page. `q` is the text of the search field. `limit` and `offset` are numbers as text. */
export interface PageRequest {
  readonly q: string;
  readonly limit: string;
  readonly offset: string;
  readonly signal: AbortSignal;
}

interface Column<Item> {
  readonly name: string;
  readonly title: string;
  readonly cell: (item: Item) => ReactNode;
}

interface PagedTableProps<Item> {
  /** The key of the query. Parts of it are invalidated after a change. */
  readonly about: readonly unknown[];
  readonly load: (request: PageRequest) => Promise<Page<Item>>;
  readonly columns: readonly Column<Item>[];
  readonly keyOf: (item: Item) => string;
  /** The label of the search field. Without it, there is no field. */
  readonly search?: string;
  /** Shown when there is nothing and nothing was searched. */
  readonly empty: string;
  /** Buttons beside the search field. */
  readonly actions?: ReactNode;
  /** Repeats the request while this returns true. */
  readonly isMoving?: (item: Item) => boolean;
}

const REFRESH_MS = 2000;

/** A table that loads its rows in pages: a search field, the rows, their number, and a button for more. */
export function PagedTable<Item>(props: PagedTableProps<Item>) {
  const { about, load, columns, keyOf, search, empty, actions, isMoving } = props;
  const { t } = useTranslation();
  const formats = useFormats();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, TYPING_MS);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery({
    queryKey: [...about, q],
    queryFn: ({ pageParam, signal }) => load({ q, limit: String(STEP), offset: String(pageParam), signal }),
    initialPageParam: 0,
    getNextPageParam: ({ total, items }, _, offset) =>
      items.length > 0 && offset + items.length < total ? offset + items.length : undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      isMoving !== undefined && state.data?.pages.some(({ items }) => items.some(isMoving))
        ? REFRESH_MS
        : false,
  });
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  const total = data?.pages[0]?.total ?? 0;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        {search !== undefined && (
          <TextInput
            type="search"
            placeholder={search}
            aria-label={search}
            value={typed}
            onChange={({ currentTarget }) => setTyped(currentTarget.value)}
            w={280}
            maxLength={200}
          />
        )}
        {actions}
      </Group>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={120} />}
      {data !== undefined && total === 0 && (
        <Text className="quiet">{q === '' ? empty : t('lists.noMatch')}</Text>
      )}
      {items.length > 0 && (
        <>
          <Text size="sm" className="quiet" role="status">
            {t('lists.shown', { shown: formats.number(items.length), total: formats.number(total) })}
          </Text>
          <Table.ScrollContainer minWidth={560}>
            <Table highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  {columns.map(({ name, title }) => (
                    <Table.Th key={name}>{title}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((item) => (
                  <Table.Tr key={keyOf(item)}>
                    {columns.map(({ name, cell }) => (
                      <Table.Td key={name}>{cell(item)}</Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </>
      )}
      {hasNextPage && (
        <Group>
          <Button variant="default" loading={isFetching} onClick={() => void fetchNextPage()}>
            {t('patient.more')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
