import { Card, Skeleton, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { type Bar, BarChart } from '../frame/bar.chart.tsx';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import css from '../records/records.module.css';

const FRESH_MS = 60_000;

/** The studies of the last two years by month, and their number for each modality. */
export function StudyMonths() {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['study-months'],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/stats/months', { signal })),
    staleTime: FRESH_MS,
  });
  const months = data === undefined ? [] : monthsOf(data.from, data.to);
  const bars: Bar[] = months.map((month) => ({
    name: month,
    values: [sumOf(data?.items.filter((item) => item.month === month) ?? [])],
  }));
  const modalities = [...new Set(data?.items.map(({ modality }) => modality))];
  return (
    <Card withBorder component="section" aria-labelledby="months">
      <Title order={2} size="h4" id="months" mb="sm">
        {t('system.months')}
      </Title>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={160} />}
      {data !== undefined && (
        <>
          <BarChart
            title={t('system.byMonth')}
            column={t('system.month')}
            series={[t('system.counts.studies')]}
            bars={bars}
          />
          <dl className={css.counts}>
            {modalities.map((modality) => (
              <div key={modality}>
                <dt>{modality === '' ? '–' : modality}</dt>
                <dd>{formats.number(sumOf(data.items.filter((item) => item.modality === modality)))}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </Card>
  );
}

function sumOf(items: readonly { readonly studies: number }[]): number {
  return items.reduce((sum, { studies }) => sum + studies, 0);
}

/** All months from the first to the last one, as `YYYY-MM`. */
function monthsOf(from: string, to: string): string[] {
  const months: string[] = [];
  for (let month = from; month <= to; month = nextMonth(month)) months.push(month);
  return months;
}

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-', 2).map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}
