import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { GrantEffects } from './grant.effects.tsx';
import { GrantSentence } from './grant.sentence.tsx';
import { NewGrantForm } from './new.grant.form.tsx';

/** The grants of a group as sentences. Before a grant is removed, the page shows what each member would lose. */
export function GroupGrants({ group, name }: { group: string; name: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [leaving, setLeaving] = useState<string>();
  const [isAdding, setAdding] = useState(false);
  const grants = useQuery({
    queryKey: ['grants', group],
    queryFn: ({ signal }) =>
      bodyOf(
        gateway.GET('/api/groups/{group}/grants', {
          params: { path: { group }, query: { limit: '1000' } },
          signal,
        }),
      ),
  });
  const remove = useMutation({
    mutationFn: (id: string) =>
      gateway.DELETE('/api/groups/{group}/grants/{id}', { params: { path: { group, id } } }),
    onSuccess: () => setLeaving(undefined),
    onSettled: () => queries.invalidateQueries({ queryKey: ['grants', group] }),
  });
  const trouble = grants.error ?? remove.error;
  return (
    <Stack gap="xs" component="section" aria-labelledby="grants">
      <Title order={3} size="h5" id="grants">
        {t('grants.title', { name })}
      </Title>
      {trouble !== null && <ProblemView problem={trouble} again={() => void grants.refetch()} />}
      {grants.data?.total === 0 && <Text className="quiet">{t('grants.none')}</Text>}
      {grants.data?.items.map((grant) => (
        <div key={grant.id}>
          <Group justify="space-between" wrap="nowrap" align="flex-start">
            <Text>
              <GrantSentence grant={grant} />
            </Text>
            <Button
              size="xs"
              variant="subtle"
              color="red"
              flex="none"
              onClick={() => setLeaving(leaving === grant.id ? undefined : grant.id)}
            >
              {t('grants.remove')}
            </Button>
          </Group>
          {leaving === grant.id && (
            <Stack gap="xs" my="xs">
              <GrantEffects change={{ group_id: group, remove: grant.id }} />
              <Group gap="xs">
                <Button
                  size="xs"
                  color="red"
                  loading={remove.isPending}
                  onClick={() => remove.mutate(grant.id)}
                >
                  {t('grants.removeSurely')}
                </Button>
                <Button size="xs" variant="default" onClick={() => setLeaving(undefined)}>
                  {t('lists.cancel')}
                </Button>
              </Group>
            </Stack>
          )}
        </div>
      ))}
      {isAdding ? (
        <NewGrantForm group={group} done={() => setAdding(false)} />
      ) : (
        <Group>
          <Button size="xs" variant="default" onClick={() => setAdding(true)}>
            {t('grants.add')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
