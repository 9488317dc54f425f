import { Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import css from './bar.chart.module.css';
import { useFormats } from './formats.ts';

/** A bar of a chart. `values`: one number for each series, from the bottom to the top. */
export interface Bar {
  readonly name: string;
  readonly values: readonly number[];
}

interface BarChartProps {
  readonly title: string;
  /** The heading of the names in the table. */
  readonly column: string;
  /** The names of the series. */
  readonly series: readonly string[];
  readonly bars: readonly Bar[];
}

const [WIDTH, GAP, HEIGHT] = [10, 2, 100];

/** Stacked bars, and the same numbers as a table. The picture is hidden from screen readers, which read the table. */
export function BarChart({ title, column, series, bars }: BarChartProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const most = Math.max(1, ...bars.map(({ values }) => sumOf(values)));
  const shown = bars.filter(({ values }) => sumOf(values) > 0);
  return (
    <figure className={css.chart}>
      <figcaption>
        <Text fw={600}>{title}</Text>
        <Text size="sm" className="quiet" span>
          {t('charts.most', { most: formats.number(most) })}
        </Text>
        {series.map((name, at) => (
          <Text key={name} size="sm" span className={css.legend} data-series={at}>
            {name}
          </Text>
        ))}
      </figcaption>
      <svg viewBox={`0 0 ${bars.length * WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {bars.flatMap(({ name, values }, index) =>
          values.map((value, at) => {
            const below = sumOf(values.slice(0, at));
            const height = (value * HEIGHT) / most;
            return (
              <rect
                key={`${name} ${series[at] ?? ''}`}
                data-series={at}
                x={index * WIDTH}
                y={HEIGHT - ((below + value) * HEIGHT) / most}
                width={WIDTH - GAP}
                height={height}
              >
                <title>{`${name}: ${formats.number(value)} ${series[at] ?? ''}`}</title>
              </rect>
            );
          }),
        )}
      </svg>
      <div className={css.ends} aria-hidden="true">
        <span>{bars[0]?.name}</span>
        <span>{bars.at(-1)?.name}</span>
      </div>
      <details>
        <summary>{t('charts.table')}</summary>
        <Table className="figures">
          <Table.Thead>
            <Table.Tr>
              {[column, ...series].map((name) => (
                <Table.Th key={name}>{name}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(({ name, values }) => (
              <Table.Tr key={name}>
                <Table.Td>{name}</Table.Td>
                {values.map((value, at) => (
                  <Table.Td key={series[at]}>{formats.number(value)}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </details>
    </figure>
  );
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
