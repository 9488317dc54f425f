import { Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';

const STATES = ['rejected', 'waiting'] as const;
const LIMIT = '50';

/** The first rows that were rejected or that wait, with their reasons. `errors.csv` has all of them. */
export function ImportRows({ list }: { list: string }) {
  return (
    <>
      {STATES.map((state) => (
        <RowsOf key={state} list={list} state={state} />
      ))}
    </>
  );
}

function RowsOf({ list, state }: { list: string; state: (typeof STATES)[number] }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ['imports', 'rows', list, state],
    queryFn: ({ signal }) =>
      bodyOf(
        gateway.GET('/api/imports/{id}/rows', {
          params: { path: { id: list }, query: { state, limit: LIMIT } },
          signal,
        }),
      ),
  });
  if (error !== null) return <ProblemView problem={error} again={() => void refetch()} />;
  if (data === undefined || data.items.length === 0) return null;
  return (
    <Stack gap="xs" component="section">
      <Title order={3} size="h5">
        {t(`imports.rowsOf.${state}`)}
      </Title>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={70}>{t('imports.row')}</Table.Th>
            <Table.Th>{t('imports.reason')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.items.map(({ row, issues }) => (
            <Table.Tr key={row}>
              <Table.Td className="figures">{row}</Table.Td>
              <Table.Td>
                {issues.map(({ code, column, message, suggestion }) => (
                  <Text key={`${code} ${column ?? ''}`} size="sm">
                    {column !== undefined && <strong>{column}: </strong>}
                    {message} {suggestion}
                  </Text>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
