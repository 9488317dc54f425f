import { Button, Group, NativeSelect, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changedAt, parsedJson, documentValue } from './draft.changes.ts';
import type { NewMapping, Question } from './proposal.types.ts';

interface MappingDraftProps {
  readonly draft: object;
  readonly questions: readonly Question[];
  readonly isBusy: boolean;
  readonly save: (document: NewMapping) => void;
}

/** Whether a value is an object. The gateway checks all members of a mapping document, and says which one is wrong. */
function isDocument(value: unknown): value is NewMapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The proposed mapping document: its name, the open questions with their answers, and the document itself for other corrections. */
export function MappingDraft({ draft, questions, isBusy, save }: MappingDraftProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(() => JSON.stringify(draft, null, 2));
  const document = parsedJson(text);
  const set = (path: readonly (string | number)[], value: unknown) =>
    setText(JSON.stringify(changedAt(document, path, value), null, 2));
  const name = documentValue(document, ['name']);
  return (
    <Stack gap="sm">
      <Title order={3} size="h5">
        {t('proposal.draft')}
      </Title>
      {questions.map((question) => (
        <QuestionField
          key={question.path.join('.')}
          question={question}
          present={documentValue(document, question.path)}
          answer={(value) => set(question.path, value)}
        />
      ))}
      <TextInput
        label={t('proposal.name')}
        value={typeof name === 'string' ? name : ''}
        disabled={document === undefined}
        onChange={({ currentTarget }) => set(['name'], currentTarget.value)}
        maxLength={64}
      />
      <details>
        <summary>{t('proposal.document')}</summary>
        <Textarea
          aria-label={t('proposal.document')}
          description={t('proposal.documentHelp')}
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
          error={document === undefined ? t('proposal.wrongJson') : undefined}
          rows={18}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        />
      </details>
      <Group>
        <Button
          loading={isBusy}
          disabled={!isDocument(document)}
          onClick={() => isDocument(document) && save(document)}
        >
          {t('proposal.save')}
        </Button>
      </Group>
    </Stack>
  );
}

interface QuestionFieldProps {
  readonly question: Question;
  readonly present: unknown;
  readonly answer: (value: unknown) => void;
}

/** A question with its possible answers. The draft already has the proposed one. */
function QuestionField({ question, present, answer }: QuestionFieldProps) {
  const { t } = useTranslation();
  const label = question.column === null ? question.text : `${question.column}: ${question.text}`;
  if (question.choices.length === 0)
    return (
      <Text>
        {label} <span className="quiet">{t('proposal.free')}</span>
      </Text>
    );
  const chosen = question.choices.findIndex(({ value }) => JSON.stringify(value) === JSON.stringify(present));
  return (
    <NativeSelect
      label={label}
      value={String(chosen)}
      onChange={({ currentTarget }) => answer(question.choices[Number(currentTarget.value)]?.value)}
      data={[
        ...(chosen === -1 ? [{ value: '-1', label: '–', disabled: true }] : []),
        ...question.choices.map((choice, index) => ({ value: String(index), label: choice.label })),
      ]}
    />
  );
}
