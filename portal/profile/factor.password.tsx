import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFirstFocus } from '../frame/first.focus.ts';
import { useProblemText } from '../frame/problem.view.tsx';

/** Asks for the password before a change of the factors, and for a name if the change adds a factor. */
export function FactorPassword({
  hasName,
  isBusy,
  error,
  send,
  cancel,
}: {
  hasName: boolean;
  isBusy: boolean;
  error: Error | null;
  send: (password: string, name: string) => void;
  cancel: () => void;
}) {
  const { t } = useTranslation();
  const textOf = useProblemText();
  const [password, setPassword] = useState('');
  const [name, setName] = useState('');
  const field = useFirstFocus();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isBusy && password !== '') send(password, name);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm" maw={360}>
        {hasName && (
          <TextInput
            label={t('factors.name')}
            value={name}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
            maxLength={64}
            ref={field}
          />
        )}
        <PasswordInput
          label={t('factors.password')}
          value={password}
          onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          autoComplete="current-password"
          error={error === null ? undefined : textOf(error)}
          {...(!hasName && { ref: field })}
        />
        <Group>
          <Button type="submit" loading={isBusy} disabled={password === ''}>
            {t('factors.continue')}
          </Button>
          <Button variant="default" onClick={cancel}>
            {t('factors.cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
