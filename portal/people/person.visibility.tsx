import { Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';

/** What patients see of a person who opened their images: the organisation, and the name unless it is withheld. */
interface Visible {
  readonly id: string;
  readonly organisation: string;
  readonly name_withheld: boolean;
}

/** The fields for what patients see of a person. A change is saved at once. */
export function PersonVisibility({ person }: { person: Visible }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [organisation, setOrganisation] = useState(person.organisation);
  const change = useMutation({
    mutationFn: (body: { organisation?: string; name_withheld?: boolean }) =>
      bodyOf(gateway.PATCH('/api/users/{id}', { params: { path: { id: person.id } }, body })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['users'] }),
  });
  const save = () => {
    if (organisation !== person.organisation) change.mutate({ organisation });
  };
  return (
    <div>
      <Text fw={600}>{t('people.visible')}</Text>
      <TextInput
        label={t('people.organisation')}
        value={organisation}
        onChange={({ currentTarget }) => setOrganisation(currentTarget.value)}
        onBlur={save}
        onKeyDown={({ key }) => {
          if (key === 'Enter') save();
        }}
      />
      <Switch
        mt="sm"
        label={t('people.withhold')}
        description={t('people.withholdHelp')}
        checked={person.name_withheld}
        disabled={change.isPending}
        onChange={({ currentTarget }) => change.mutate({ name_withheld: currentTarget.checked })}
      />
      {change.error !== null && <ProblemView problem={change.error} again={() => change.reset()} />}
    </div>
  );
}
