import { Button, Card, Checkbox, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { GrantEffects } from './grant.effects.tsx';
import { type Grant, GrantSentence } from './grant.sentence.tsx';
import { grantFrom, KINDS, type Kind, RIGHTS_OF_STUDIES, OTHER_RIGHTS, VALUES } from './grant.drafts.ts';

/** Adds a grant. The page shows the grant as a sentence and what each member would gain, before it is saved. */
export function NewGrantForm({ group, done }: { group: string; done: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [rights, setRights] = useState<Grant['rights']>(['studies:read']);
  const [kind, setKind] = useState<Kind>('institution');
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [until, setUntil] = useState('');
  const [isShown, setShown] = useState(false);
  const draft = grantFrom(rights, kind, values, until);
  const add = useMutation({
    mutationFn: (body: NonNullable<typeof draft>) =>
      gateway.POST('/api/groups/{group}/grants', { params: { path: { group } }, body }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['grants', group] });
      done();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft === undefined || add.isPending) return;
    if (isShown) add.mutate(draft);
    else setShown(true);
  };
  const toggle = (right: Grant['rights'][number]) => {
    setShown(false);
    setRights(rights.includes(right) ? rights.filter((one) => one !== right) : [...rights, right]);
  };
  return (
    <Card withBorder>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Checkbox.Group label={t('grants.rights')} value={[...rights]}>
            <Group gap="sm" mt={4}>
              {(kind === 'all' ? [...RIGHTS_OF_STUDIES, ...OTHER_RIGHTS] : RIGHTS_OF_STUDIES).map((right) => (
                <Checkbox
                  key={right}
                  value={right}
                  label={t(`rights.${right}`)}
                  onChange={() => toggle(right)}
                />
              ))}
            </Group>
          </Checkbox.Group>
          <Select
            label={t('grants.scope')}
            allowDeselect={false}
            value={kind}
            data={KINDS.map((value) => ({ value, label: t(`grants.kinds.${value}`) }))}
            onChange={(value) => {
              setShown(false);
              setKind(KINDS.find((one) => one === value) ?? 'institution');
            }}
          />
          {VALUES[kind].map((name) => (
            <TextInput
              key={name}
              label={t(`grants.values.${name}`)}
              value={values[name] ?? ''}
              onChange={({ currentTarget: { value } }) => {
                setShown(false);
                setValues({ ...values, [name]: value });
              }}
            />
          ))}
          <TextInput
            type="date"
            label={t('grants.end')}
            description={t('grants.endHelp')}
            value={until}
            onChange={({ currentTarget }) => setUntil(currentTarget.value)}
          />
          {draft !== undefined && (
            <Text>
              <GrantSentence grant={draft} />
            </Text>
          )}
          {draft !== undefined && isShown && <GrantEffects change={{ group_id: group, add: draft }} />}
          {add.error !== null && <ProblemView problem={add.error} />}
          <Group gap="xs">
            <Button type="submit" disabled={draft === undefined} loading={add.isPending}>
              {t(isShown ? 'grants.save' : 'grants.preview')}
            </Button>
            <Button variant="default" onClick={done}>
              {t('lists.cancel')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
