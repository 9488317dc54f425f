import { UnstyledButton } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import css from './studies.module.css';
import { type ColumnName, ordersOf, type StudyOrder } from './study.columns.ts';

/** The titles of the columns. A click sorts the list, a second one turns the order around. */
export function StudiesHead({ columns, order }: { columns: readonly ColumnName[]; order: StudyOrder }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const sort = (column: ColumnName) => {
    const [first, second] = ordersOf(column);
    const next = order === first ? second : first;
    // The newest study comes first without a parameter.
    const kept = next === '-date' ? undefined : next;
    void navigate({ to: '.', search: (search) => ({ ...search, sort: kept }), replace: true });
  };
  const direction = (column: ColumnName) => {
    if (!ordersOf(column).includes(order)) return 'none';
    return order.startsWith('-') ? 'descending' : 'ascending';
  };
  return (
    <div role="rowgroup" className={css.head}>
      <div role="row" aria-rowindex={1} className={css.row}>
        <span role="columnheader" aria-label={t('studies.columns.picture')} />
        {columns.map((column) => (
          <span key={column} role="columnheader" data-column={column} aria-sort={direction(column)}>
            <UnstyledButton className={css.sort} onClick={() => sort(column)}>
              {t(`studies.columns.${column}`)}
              <span aria-hidden="true">
                {{ none: '', ascending: ' ↑', descending: ' ↓' }[direction(column)]}
              </span>
            </UnstyledButton>
          </span>
        ))}
      </div>
    </div>
  );
}
