import { Button, Drawer, Group, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useMe } from '../client/me.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { type Correction, CorrectionStep, PresentDecision } from './word.correction.tsx';
import { type Decision, decisionOf, disorder, targetText, type Word } from './word.target.ts';

/** One unknown word: suggestions for its concept, and the decision. */
export function WordDetails() {
  const { t } = useTranslation();
  const { word: id } = useParams({ from: '/words/$word' });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const mayDecide = useMe().rights.includes('terms:decide');
  // The interface has no route for one word, so the word comes from the loaded list.
  const word = queries
    .getQueriesData<{ pages?: readonly { items: readonly Word[] }[] }>({ queryKey: ['words'] })
    .flatMap(([, data]) => data?.pages ?? [])
    .flatMap(({ items }) => items)
    .find((one) => one.id === id);
  const { data, error, refetch } = useQuery({
    queryKey: ['suggestions', id],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/terms/{id}/suggestions', { params: { path: { id } }, signal })),
  });
  const close = () => void navigate({ to: '/words' });
  const settle = async () => {
    await queries.invalidateQueries({ queryKey: ['words'] });
    close();
  };
  const decide = useMutation({
    mutationFn: (body: Decision) =>
      gateway.POST('/api/terms/{id}/decide', { params: { path: { id } }, body }),
    onSuccess: settle,
  });
  const ignore = useMutation({
    mutationFn: (correction: Correction | undefined) =>
      gateway.POST('/api/terms/{id}/ignore', { params: { path: { id } }, body: correction ?? {} }),
    onSuccess: settle,
  });
  const trouble = decide.error ?? ignore.error;
  const confirm = (correction: Correction) => {
    if (decide.error !== null && decide.variables !== undefined)
      decide.mutate({ ...decide.variables, ...correction });
    else ignore.mutate(correction);
  };
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="lg"
      title={t('words.word')}
      closeButtonProps={{ 'aria-label': t('lists.close') }}
    >
      <Stack>
        <Title order={2} size="h3">
          {word?.word ?? t('words.word')}
        </Title>
        {word !== undefined && <Text className="quiet">{t('words.rows', { count: word.rows_waiting })}</Text>}
        {word !== undefined && <PresentDecision word={word} />}
        <CorrectionStep problem={trouble} isBusy={decide.isPending || ignore.isPending} confirm={confirm} />
        <Title order={3} size="h5">
          {t('words.suggestions')}
        </Title>
        {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={80} />}
        {data?.total === 0 && <Text className="quiet">{t('words.noSuggestions')}</Text>}
        {data?.items.map(({ target, word: similar, source }) => {
          const decision = decisionOf(target);
          return (
            <Group key={`${source} ${similar} ${targetText(target)}`} justify="space-between" wrap="nowrap">
              <div>
                <Text>{targetText(target)}</Text>
                <Text size="sm" className="quiet">
                  {t('words.similar', { word: similar })}
                </Text>
              </div>
              {mayDecide && decision !== undefined && (
                <Button
                  size="xs"
                  flex="none"
                  loading={decide.isPending}
                  onClick={() => decide.mutate(decision)}
                >
                  {t('words.take')}
                </Button>
              )}
            </Group>
          );
        })}
        {mayDecide && (
          <>
            <OtherConcept isBusy={decide.isPending} decide={decide.mutate} />
            <Group>
              <Button variant="default" loading={ignore.isPending} onClick={() => ignore.mutate(undefined)}>
                {t('words.ignore')}
              </Button>
              <Text size="sm" className="quiet">
                {t('words.ignoreHelp')}
              </Text>
            </Group>
          </>
        )}
      </Stack>
    </Drawer>
  );
}

function OtherConcept({ isBusy, decide }: { isBusy: boolean; decide: (decision: Decision) => void }) {
  const { t } = useTranslation();
  const [code, setCode] = useState('');
  const [display, setDisplay] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim() !== '' && !isBusy) decide(disorder(code.trim(), display.trim()));
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        <TextInput
          label={t('words.code')}
          value={code}
          onChange={({ currentTarget }) => setCode(currentTarget.value)}
          w={150}
          inputMode="numeric"
          maxLength={18}
        />
        <TextInput
          label={t('words.display')}
          value={display}
          onChange={({ currentTarget }) => setDisplay(currentTarget.value)}
          maxLength={200}
        />
        <Button type="submit" variant="default" disabled={code.trim() === ''} loading={isBusy}>
          {t('words.takeCode')}
        </Button>
      </Group>
    </form>
  );
}
