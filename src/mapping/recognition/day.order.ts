import type { DateFormat } from '../values/dates.js';
import { isShortYear } from '../values/dates.js';
import type { PlacedColumn } from './column.choice.js';
import { type Question, question } from './question.js';

/** The formats of a date column, and why the day is first or second. */
export interface ColumnDates {
  readonly formats: readonly DateFormat[];
  readonly hasShortYear: boolean;
  readonly questions: readonly Question[];
  readonly reason?: string;
}

type Order = 'day' | 'month';
/** Formats with the same separators and digits, in both orders. */
const PAIRS: readonly (readonly [dayFirst: DateFormat, monthFirst: DateFormat])[] = [
  ['dd/MM/yyyy', 'MM/dd/yyyy'],
  ['dd-MM-yyyy', 'MM-dd-yyyy'],
  ['dd/MM/yy', 'MM/dd/yy'],
  ['dd-MM-yy', 'MM-dd-yy'],
];
/** Formats that have only one order. */
const PLAIN: readonly DateFormat[] = ['yyyy-MM-dd', 'yyyy/MM/dd', 'yyyyMMdd', 'dd.MM.yyyy', 'dd.MM.yy'];

const isPaired = (column: PlacedColumn): boolean =>
  PAIRS.some((pair) => pair.some((format) => (column.profile.dates.formats.get(format) ?? 0) > 0));

/** What the values of a column say about the order. Both parts above 12 in different rows is a contradiction. */
function orderIn({ profile }: PlacedColumn): Order | 'mixed' | undefined {
  const { firstOver, secondOver } = profile.dates;
  if (firstOver > 0 && secondOver > 0) return 'mixed';
  if (firstOver > 0) return 'day';
  return secondOver > 0 ? 'month' : undefined;
}

/** The order in the name of a column, as in `DOB (dd/mm/yyyy)`. */
function namedOrder({ header }: PlacedColumn): Order | undefined {
  if (/(?:d{1,2}|j{1,2}|t{1,2})\s*[-/.]\s*m{1,2}/iu.test(header)) return 'day';
  return /m{1,2}\s*[-/.]\s*(?:d{1,2}|j{1,2}|t{1,2})/iu.test(header) ? 'month' : undefined;
}

/**
 * The formats of the date columns. The order of day and month comes from all values of the column: a part above 12 is a day. If no value
 * decides, the other date columns of the list decide. Otherwise it is a question, and `usual` is the proposed order.
 */
export function readDateColumns(columns: readonly PlacedColumn[], usual: Order): Map<string, ColumnDates> {
  const decided = new Map(
    columns.filter(isPaired).map((column) => [column.field, orderIn(column) ?? namedOrder(column)]),
  );
  const orders = new Set([...decided.values()].filter((order) => order !== undefined));
  const [sibling] = orders.size === 1 && !orders.has('mixed') ? orders : [];
  return new Map(
    columns.map((column) => [column.field, datesOf(column, decided.get(column.field), sibling, usual)]),
  );
}

function datesOf(
  column: PlacedColumn,
  own: Order | 'mixed' | undefined,
  sibling: Order | 'mixed' | undefined,
  usual: Order,
): ColumnDates {
  const { dates } = column.profile;
  const has = (format: DateFormat) => (dates.formats.get(format) ?? 0) > 0;
  const inOrder = (order: Order): DateFormat[] => {
    const formats = [
      ...PLAIN.filter(has),
      ...PAIRS.flatMap((pair) => (pair.some(has) ? [pair[order === 'day' ? 0 : 1]] : [])),
    ];
    return formats.length === 0 ? ['yyyy-MM-dd'] : formats;
  };
  const path = ['columns', column.field, 'formats'];
  const choices = [
    { label: 'The day is first, as in 31/12/2026.', value: inOrder('day') },
    { label: 'The month is first, as in 12/31/2026.', value: inOrder('month') },
  ];
  const about = { column: column.header, choices };
  const made = (order: Order, reason?: string, questions: readonly Question[] = []): ColumnDates => {
    const formats = inOrder(order);
    return {
      formats,
      hasShortYear: formats.some(isShortYear),
      questions,
      ...(reason === undefined ? {} : { reason }),
    };
  };
  if (!isPaired(column)) {
    const unread = column.profile.filled > 0 && dates.formats.size === 0;
    return made('day', undefined, unread ? [question('date-format', path, { column: column.header })] : []);
  }
  if (own === 'mixed')
    return made(
      dates.firstOver >= dates.secondOver ? 'day' : 'month',
      `In ${dates.firstOver} dates the first part is above 12, and in ${dates.secondOver} dates the second part.`,
      [question('day-order-mixed', path, about)],
    );
  if (own !== undefined) {
    if (dates.firstOver + dates.secondOver === 0)
      return made(own, `The name of the column says that the ${own} is first.`);
    const [count, part] = own === 'day' ? [dates.firstOver, 'first'] : [dates.secondOver, 'second'];
    return made(own, `The ${part} part is the day, because it is above 12 in ${count} dates.`);
  }
  if (sibling === 'day' || sibling === 'month')
    return made(sibling, `The ${sibling} is first, as in the other date columns of the list.`);
  return made(
    usual,
    `No date shows whether the day or the month is first. The draft assumes that the ${usual} is first.`,
    [question('day-order', path, about)],
  );
}
