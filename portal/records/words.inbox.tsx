import { Anchor, Select, Stack, Text } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { targetText } from './word.target.ts';

const STATES = ['unmapped', 'ambiguous', 'decided', 'ignored'] as const;

/** The words of lists that have no concept yet. The words with the most waiting rows come first. */
export function WordsInbox() {
  const { t } = useTranslation();
  const [state, setState] = useState<(typeof STATES)[number]>();
  return (
    <Stack p="md" gap="md">
      <Text>{t('words.intro')}</Text>
      <PagedTable
        about={['words', state]}
        load={({ signal, ...page }) => {
          const query = state === undefined ? page : { ...page, state };
          return bodyOf(gateway.GET('/api/terms', { params: { query }, signal }));
        }}
        isMoving={({ records_to_correct: records }) => records > 0}
        actions={
          <Select
            aria-label={t('words.state')}
            placeholder={t('words.state')}
            clearable
            value={state ?? null}
            data={STATES.map((value) => ({ value, label: t(`words.states.${value}`) }))}
            onChange={(value) => setState(STATES.find((one) => one === value))}
          />
        }
        keyOf={({ id }) => id}
        search={t('words.search')}
        empty={t('words.none')}
        columns={[
          {
            name: 'word',
            title: t('words.word'),
            cell: ({ id, word }) => (
              <Anchor renderRoot={(props) => <Link {...props} to="/words/$word" params={{ word: id }} />}>
                {word}
              </Anchor>
            ),
          },
          { name: 'column', title: t('words.column'), cell: ({ column }) => column },
          { name: 'rows', title: t('words.waiting'), cell: ({ rows_waiting }) => rows_waiting },
          { name: 'state', title: t('words.state'), cell: ({ state }) => t(`words.states.${state}`) },
          {
            name: 'corrected',
            title: t('corrections.correctedRecords'),
            cell: ({ records_to_correct: records }) => records,
          },
          {
            name: 'target',
            title: t('words.concept'),
            cell: ({ target }) => (target === null ? '' : targetText(target)),
          },
        ]}
      />
      <Outlet />
    </Stack>
  );
}
