import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useMe } from '../client/me.ts';
import { ProblemView } from '../frame/problem.view.tsx';

/** The second factors of a person. They can be removed after the loss of a phone, but not one's own. */
export function PersonFactors({ user }: { user: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const params = { path: { user } };
  const { data, error } = useQuery({
    queryKey: ['users', 'factors', user],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/users/{user}/second-factors', { params, signal })),
  });
  const reset = useMutation({
    mutationFn: () => gateway.DELETE('/api/users/{user}/second-factors', { params }),
    onSuccess: () => setAsking(false),
    onSettled: () => queries.invalidateQueries({ queryKey: ['users'] }),
  });
  const trouble = error ?? reset.error;
  return (
    <Stack gap={4} align="flex-start">
      <Text fw={600}>{t('factors.title')}</Text>
      {trouble !== null && <ProblemView problem={trouble} />}
      {data?.items.length === 0 && <Text className="quiet">{t('factors.of.none')}</Text>}
      {data?.items.map(({ id, kind, name }) => (
        <Text key={id}>{name === '' ? t(`factors.${kind}`) : `${name} (${t(`factors.${kind}`)})`}</Text>
      ))}
      {data !== undefined && data.items.length > 0 && user !== me.account.id && (
        <>
          {isAsking && <Text size="sm">{t('factors.of.resetHelp')}</Text>}
          <Group>
            <Button
              variant={isAsking ? 'filled' : 'default'}
              {...(isAsking && { color: 'red' })}
              loading={reset.isPending}
              onClick={() => (isAsking ? reset.mutate() : setAsking(true))}
            >
              {t(isAsking ? 'factors.of.surely' : 'factors.of.reset')}
            </Button>
            {isAsking && (
              <Button variant="default" onClick={() => setAsking(false)}>
                {t('factors.cancel')}
              </Button>
            )}
          </Group>
        </>
      )}
    </Stack>
  );
}
