import { SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { ReviewDecision } from './review.decision.tsx';
import { ReviewPerson } from './review.person.tsx';
import type { Review } from './review.types.ts';

const STATES = ['open', 'decided'] as const;
type State = (typeof STATES)[number];

/** Rows whose identifier belongs to a patient with other facts, with both sides next to each other. */
export function ReviewsList() {
  const { t } = useTranslation();
  const [state, setState] = useState<State>('open');
  return (
    <Stack p="md" gap="md">
      <Text>{t('reviews.intro')}</Text>
      <PagedTable
        about={['reviews', state]}
        load={({ limit, offset, signal }) =>
          bodyOf(gateway.GET('/api/imports/reviews', { params: { query: { limit, offset, state } }, signal }))
        }
        keyOf={({ id }) => id}
        empty={t('reviews.none')}
        isMoving={(review) => review.state === 'undoing'}
        actions={
          <SegmentedControl
            aria-label={t('reviews.state')}
            value={state}
            onChange={(value) => setState(STATES.find((one) => one === value) ?? 'open')}
            data={STATES.map((value) => ({ value, label: t(`reviews.${value}`) }))}
          />
        }
        columns={[
          { name: 'row', title: t('reviews.row'), cell: (review) => <RowSide review={review} /> },
          { name: 'other', title: t('reviews.other'), cell: (review) => <OtherSide review={review} /> },
          {
            name: 'decision',
            title: t('reviews.decision'),
            cell: (review) => <ReviewDecision review={review} />,
          },
        ]}
      />
    </Stack>
  );
}

function RowSide({ review: { sides, rows, differences } }: { review: Review }) {
  const { t } = useTranslation();
  if (sides === null) return t('reviews.deleted');
  return (
    <>
      <Text size="sm" className="quiet">
        {rows.map(({ row }) => t('reviews.rowNumber', { row })).join(', ')}
      </Text>
      <ReviewPerson person={sides.row} differences={differences} />
    </>
  );
}

function OtherSide({ review: { sides, differences } }: { review: Review }) {
  if (sides === null) return null;
  return (
    <Stack gap="xs">
      {(sides.candidates ?? [sides.other]).map((person) => (
        <ReviewPerson key={person.reference ?? person.row} person={person} differences={differences} />
      ))}
    </Stack>
  );
}
