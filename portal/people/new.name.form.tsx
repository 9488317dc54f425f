import { Button, Group, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemView } from '../frame/problem.view.tsx';

const NAME_LENGTH = 128;

interface NewNameFormProps {
  /** The label of the name. */
  readonly label: string;
  /** The label and the length of a second text, which may stay empty. */
  readonly further?: { readonly label: string; readonly maxLength: number };
  /** The list that is asked again afterwards. */
  readonly about: string;
  readonly add: (name: string, further: string) => Promise<unknown>;
}

/** Adds something that has a name. The texts stay when the gateway refuses them. */
export function NewNameForm({ label, further, about, add }: NewNameFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [text, setText] = useState('');
  const adding = useMutation({
    mutationFn: () => add(name.trim(), text.trim()),
    onSuccess: () => {
      setName('');
      setText('');
      return queries.invalidateQueries({ queryKey: [about] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '' && !adding.isPending) adding.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs">
        <TextInput
          placeholder={label}
          aria-label={label}
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
          maxLength={NAME_LENGTH}
        />
        {further !== undefined && (
          <TextInput
            placeholder={further.label}
            aria-label={further.label}
            value={text}
            onChange={({ currentTarget }) => setText(currentTarget.value)}
            maxLength={further.maxLength}
          />
        )}
        <Button type="submit" loading={adding.isPending} disabled={name.trim() === ''}>
          {t('groups.add')}
        </Button>
      </Group>
      {adding.error !== null && <ProblemView problem={adding.error} />}
    </form>
  );
}
