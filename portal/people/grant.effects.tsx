import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { paths } from 'interface';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';

/** A change of the grants of a group: one that would be added, or one that would be removed. */
export type GrantChange = NonNullable<
  paths['/api/access/what-if']['post']['requestBody']
>['content']['application/json'];

const PEOPLE = 10;

/** What a change would mean: how many studies each member would gain and lose. */
export function GrantEffects({ change }: { change: GrantChange }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['what-if', change],
    queryFn: ({ signal }) =>
      bodyOf(
        gateway.POST('/api/access/what-if', { body: { ...change, people: PEOPLE, studies: 1 }, signal }),
      ),
    staleTime: 0,
  });
  if (error !== null) return <ProblemView problem={error} again={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={40} />;
  if (data.total === 0) return <Text className="quiet">{t('grants.noMembers')}</Text>;
  const others = data.total - data.items.length;
  return (
    <Stack gap={2} role="status">
      {data.items.map(({ account, gains, loses }) => (
        <Text key={account.id} size="sm">
          {t('grants.effect', {
            name: account.name,
            gains: formats.number(gains.total),
            loses: formats.number(loses.total),
          })}
        </Text>
      ))}
      {others > 0 && (
        <Text size="sm" className="quiet">
          {t('grants.others', { count: others })}
        </Text>
      )}
    </Stack>
  );
}
