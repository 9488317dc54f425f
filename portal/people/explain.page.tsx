import { Alert, Button, Card, Group, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { paths } from 'interface';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { RIGHTS_OF_STUDIES } from './grant.drafts.ts';
import { GrantSentence } from './grant.sentence.tsx';

type Explanation = paths['/api/access/explain']['get']['responses'][200]['content']['application/json'];

/** Why an account may or may not use a right over a study. */
export function ExplainPage() {
  const { t } = useTranslation();
  const [user, setUser] = useState('');
  const [study, setStudy] = useState('');
  const [right, setRight] = useState<Explanation['right']>('studies:read');
  const [question, setQuestion] = useState<{ user: string; study: string; right: Explanation['right'] }>();
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['explain', question],
    queryFn: ({ signal }) =>
      bodyOf(
        gateway.GET('/api/access/explain', {
          params: { query: question ?? { user: '', study: '' } },
          signal,
        }),
      ),
    enabled: question !== undefined,
    staleTime: 0,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (user.trim() !== '' && study.trim() !== '')
      setQuestion({ user: user.trim(), study: study.trim(), right });
  };
  return (
    <Stack p="md" maw={860}>
      <Text>{t('explain.intro')}</Text>
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t('explain.user')}
            value={user}
            onChange={({ currentTarget }) => setUser(currentTarget.value)}
            maxLength={128}
          />
          <TextInput
            label={t('explain.study')}
            value={study}
            onChange={({ currentTarget }) => setStudy(currentTarget.value)}
            maxLength={64}
            w={320}
          />
          <Select
            label={t('explain.right')}
            allowDeselect={false}
            value={right}
            data={RIGHTS_OF_STUDIES.map((value) => ({ value, label: t(`rights.${value}`) }))}
            onChange={(value) => setRight(RIGHTS_OF_STUDIES.find((one) => one === value) ?? 'studies:read')}
          />
          <Button type="submit" loading={isFetching} disabled={user.trim() === '' || study.trim() === ''}>
            {t('explain.ask')}
          </Button>
        </Group>
      </form>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data !== undefined && <Answer explanation={data} />}
    </Stack>
  );
}

function Answer({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation();
  const { allowed, missing, decided_by: deciding, not_decided_by: others } = explanation;
  return (
    <Stack role="status">
      <Alert color={allowed ? 'teal' : 'red'} variant="light">
        {allowed
          ? t('explain.allowed', { user: explanation.user.username })
          : t(`explain.missing.${missing ?? 'grant_of_right'}`)}
      </Alert>
      <Grants title={t('explain.deciding')} grants={deciding} />
      <Grants title={t('explain.others')} grants={others} />
    </Stack>
  );
}

function Grants({ title, grants }: { title: string; grants: Explanation['decided_by'] }) {
  if (grants.length === 0) return null;
  return (
    <Card withBorder>
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      {grants.map(({ group, grant, rule }) => (
        <div key={grant.id}>
          <Text>
            {group.name}: <GrantSentence grant={grant} />
          </Text>
          <Text size="sm" className="quiet">
            {rule}
          </Text>
        </div>
      ))}
    </Card>
  );
}
