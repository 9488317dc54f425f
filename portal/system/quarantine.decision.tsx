import { Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { paths } from 'interface';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';

/** A group of objects in quarantine. */
export type QuarantineEntry =
  paths['/api/quarantine']['get']['responses'][200]['content']['application/json']['items'][number];
type Body = NonNullable<
  paths['/api/quarantine/{id}/decide']['post']['requestBody']
>['content']['application/json'];

const DECISIONS = ['accept', 'discard', 're-identify'] as const;
type Decision = (typeof DECISIONS)[number];

/** The buttons of the three decisions. Each one first says its consequence. `decided` is called after a decision. */
export function QuarantineDecision({ item, decided }: { item: QuarantineEntry; decided?: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Decision>();
  const [identity, setIdentity] = useState({ patientId: '', issuer: '', newUids: false });
  const decide = useMutation({
    mutationFn: (body: Body) =>
      gateway.POST('/api/quarantine/{id}/decide', { params: { path: { id: item.id } }, body }),
    onSuccess: () => decided?.(),
    onSettled: () => queries.invalidateQueries({ queryKey: ['quarantine'] }),
  });
  if (asked === undefined)
    return (
      <Group gap="xs">
        {DECISIONS.map((decision) => (
          <Button key={decision} size="xs" variant="default" onClick={() => setAsked(decision)}>
            {t(`quarantine.actions.${decision}`)}
          </Button>
        ))}
      </Group>
    );
  const { patientId, issuer, newUids } = identity;
  const isEmpty = asked === 're-identify' && patientId.trim() === '' && issuer.trim() === '' && !newUids;
  const body: Body =
    asked === 're-identify'
      ? {
          decision: asked,
          new_uids: newUids,
          ...(patientId.trim() !== '' && { patient_id: patientId.trim() }),
          ...(issuer.trim() !== '' && { issuer: issuer.trim() }),
        }
      : { decision: asked };
  return (
    <Stack gap="xs">
      <Text size="sm">{t(`quarantine.meaning.${asked}`, { count: item.instances })}</Text>
      {asked === 're-identify' && (
        <>
          <TextInput
            label={t('quarantine.newPatientId')}
            value={patientId}
            onChange={({ currentTarget: { value } }) => setIdentity({ ...identity, patientId: value })}
            maxLength={64}
          />
          <TextInput
            label={t('quarantine.newIssuer')}
            value={issuer}
            onChange={({ currentTarget: { value } }) => setIdentity({ ...identity, issuer: value })}
            maxLength={64}
          />
          <Checkbox
            label={t('quarantine.newUids')}
            checked={newUids}
            onChange={({ currentTarget: { checked } }) => setIdentity({ ...identity, newUids: checked })}
          />
        </>
      )}
      <Group gap="xs">
        <Button
          size="xs"
          color="red"
          disabled={isEmpty}
          loading={decide.isPending}
          onClick={() => decide.mutate(body)}
        >
          {t(`quarantine.actions.${asked}`)}
        </Button>
        <Button size="xs" variant="default" onClick={() => setAsked(undefined)}>
          {t('lists.cancel')}
        </Button>
      </Group>
      {decide.error !== null && <ProblemView problem={decide.error} />}
    </Stack>
  );
}
