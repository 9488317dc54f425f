import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../client/problems.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { targetText, type Word } from './word.target.ts';

/** What a changed decision about a word needs, if the earlier decision has given records. */
export interface Correction {
  readonly confirm: true;
  readonly reason?: string;
}

/** The decision that counts now, by whom, and how many of its records are still to be corrected. */
export function PresentDecision({ word }: { word: Word }) {
  const { t } = useTranslation();
  const formats = useFormats();
  if (word.decided_at === null) return null;
  return (
    <div>
      <Text>
        {word.target === null
          ? t('corrections.ignored')
          : t('corrections.now', { concept: targetText(word.target) })}
      </Text>
      <Text size="sm" className="quiet">
        {t('reviews.by', { account: word.decided_by ?? '–', when: formats.moment(word.decided_at) })}
        {word.reason !== null && ` · ${word.reason}`}
      </Text>
      {word.records_to_correct > 0 && (
        <Text size="sm" role="status">
          {t('corrections.left', { count: word.records_to_correct })}
        </Text>
      )}
    </div>
  );
}

interface CorrectionStepProps {
  readonly problem: Error | null;
  readonly isBusy: boolean;
  readonly confirm: (correction: Correction) => void;
}

/** Shows why a decision was refused. If it would change written records, the person sees how many, and confirms it with a reason. */
export function CorrectionStep({ problem, isBusy, confirm }: CorrectionStepProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const [reason, setReason] = useState('');
  if (problem === null) return null;
  if (!(problem instanceof Problem) || problem.affected === undefined)
    return <ProblemView problem={problem} />;
  const { conditions, observations, patients } = problem.affected;
  return (
    <Alert color="yellow" variant="light">
      <Stack gap="xs">
        <Text>
          {t('corrections.affected', {
            conditions: formats.number(conditions),
            observations: formats.number(observations),
            patients: formats.number(patients),
          })}
        </Text>
        <TextInput
          label={t('corrections.reason')}
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
          maxLength={500}
        />
        <Group>
          <Button
            color="red"
            loading={isBusy}
            onClick={() => confirm({ confirm: true, ...(reason.trim() !== '' && { reason: reason.trim() }) })}
          >
            {t('words.confirm')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
