import { Button, Group, Radio, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gateway } from '../client/interface.client.ts';
import { useMe } from '../client/me.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import type { Review, ReviewAction } from './review.types.ts';

const DECISIONS = ['same', 'new', 'reject'] as const;

/** The decision of a review, or the buttons that decide it. Each button first says its consequence. */
export function ReviewDecision({ review }: { review: Review }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const mayDecide = useMe().rights.includes('records:import');
  const [asked, setAsked] = useState<ReviewAction>();
  const done = DECISIONS.find((one) => one === review.decision);
  if (review.state === 'undoing') return <Text>{t('reviews.undoing')}</Text>;
  const offered: readonly ReviewAction[] = !mayDecide ? [] : done === undefined ? DECISIONS : ['undo'];
  return (
    <Stack gap="xs">
      {done !== undefined && (
        <div>
          <Text fw={600}>{t(`reviews.done.${done}`)}</Text>
          <Text size="sm" className="quiet">
            {t('reviews.by', {
              account: review.decided_by ?? '–',
              when: formats.moment(review.decided_at ?? ''),
            })}
          </Text>
        </div>
      )}
      {asked === undefined ? (
        <Group gap="xs">
          {offered.map((action) => (
            <Button key={action} size="xs" variant="default" onClick={() => setAsked(action)}>
              {t(`reviews.actions.${action}`)}
            </Button>
          ))}
        </Group>
      ) : (
        <Confirmation review={review} action={asked} cancel={() => setAsked(undefined)} />
      )}
    </Stack>
  );
}

function Confirmation(props: { review: Review; action: ReviewAction; cancel: () => void }) {
  const { review, action, cancel } = props;
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [candidate, setCandidate] = useState<string>();
  const path = { id: review.id };
  const act = useMutation({
    mutationFn: async () => {
      if (action === 'undo') await gateway.POST('/api/imports/reviews/{id}/undo', { params: { path } });
      else
        await gateway.POST('/api/imports/reviews/{id}/decide', {
          params: { path },
          body: { decision: action, ...(candidate !== undefined && { candidate }) },
        });
    },
    onSuccess: () =>
      Promise.all(['reviews', 'imports'].map((name) => queries.invalidateQueries({ queryKey: [name] }))),
  });
  const candidates = action === 'same' ? (review.sides?.candidates ?? []) : [];
  return (
    <Stack gap="xs">
      <Text size="sm">
        {t(`reviews.meaning.${action}`)} {t('reviews.rows', { count: review.rows_waiting })}
      </Text>
      {candidates.length > 0 && (
        <Radio.Group label={t('reviews.choose')} value={candidate ?? ''} onChange={setCandidate}>
          <Stack gap={4} mt={4}>
            {candidates.map(({ reference = '', names }) => (
              <Radio key={reference} value={reference} label={`${names.join(', ')} (${reference})`} />
            ))}
          </Stack>
        </Radio.Group>
      )}
      <Group gap="xs">
        <Button
          size="xs"
          disabled={candidates.length > 0 && candidate === undefined}
          loading={act.isPending}
          onClick={() => act.mutate()}
        >
          {t(`reviews.actions.${action}`)}
        </Button>
        <Button size="xs" variant="default" onClick={cancel}>
          {t('lists.cancel')}
        </Button>
      </Group>
      {act.error !== null && <ProblemView problem={act.error} />}
    </Stack>
  );
}
