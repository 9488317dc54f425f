import { Anchor, Stack, Text } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { targetText } from './word.target.ts';

/** The words of lists that have no concept yet. The words with the most waiting rows come first. */
export function WordsInbox() {
  const { t } = useTranslation();
  return (
    <Stack p="md" gap="md">
      <Text>{t('words.intro')}</Text>
      <PagedTable
        about={['words']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/terms', { params: { query }, signal }))}
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
