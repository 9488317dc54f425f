import { Card, Group, Skeleton, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { type Bar, BarChart } from '../frame/bar.chart.tsx';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import type { AuditFilters } from './audit.entries.ts';

/** The accesses and refusals of each day, and of the accounts with the most entries. */
export function AuditCharts({ filters }: { filters: AuditFilters }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['audit-summary', filters],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/audit/summary', { params: { query: filters }, signal })),
  });
  const bars: Bar[] = (data?.days ?? []).map(({ day, accesses, refused }) => ({
    name: formats.day(day),
    values: [accesses, refused],
  }));
  return (
    <Card withBorder component="section" aria-labelledby="audit-charts">
      <Title order={2} size="h4" id="audit-charts" mb="sm">
        {t('audit.counts.title')}
      </Title>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={160} />}
      {data !== undefined && (
        <Group align="flex-start" gap="xl">
          <BarChart
            title={t('audit.counts.byDay')}
            column={t('audit.counts.day')}
            series={[t('audit.counts.accesses'), t('audit.counts.refused')]}
            bars={bars}
          />
          <div>
            <Text fw={600}>{t('audit.counts.byAccount')}</Text>
            <Table className="figures">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('audit.account')}</Table.Th>
                  <Table.Th>{t('audit.counts.accesses')}</Table.Th>
                  <Table.Th>{t('audit.counts.refused')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.accounts.map(({ account, accesses, refused }) => (
                  <Table.Tr key={account?.id ?? ''}>
                    <Table.Td>{account?.name ?? t('audit.counts.nobody')}</Table.Td>
                    <Table.Td>{formats.number(accesses)}</Table.Td>
                    <Table.Td>{formats.number(refused)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        </Group>
      )}
    </Card>
  );
}
