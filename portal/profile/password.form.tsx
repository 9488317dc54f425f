import { Button, Card, Group, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gateway } from '../client/interface.client.ts';
import { useProblemText } from '../frame/problem.view.tsx';
import { isTooShort, PASSWORD_LENGTH } from './password.rules.ts';

/** Changes the person's password. The rules are shown before the first attempt. */
export function PasswordForm() {
  const { t } = useTranslation();
  const textOf = useProblemText();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [wasTried, setTried] = useState(false);
  const currentField = useRef<HTMLInputElement>(null);
  const nextField = useRef<HTMLInputElement>(null);
  const change = useMutation({
    mutationFn: () =>
      gateway.POST('/api/me/password', { body: { current_password: current, new_password: next } }),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      setTried(false);
    },
  });
  const isShort = isTooShort(next);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (current === '') currentField.current?.focus();
    else if (isShort) nextField.current?.focus();
    else if (!change.isPending) change.mutate();
  };
  return (
    <Card withBorder component="section" aria-labelledby="password-title">
      <form onSubmit={submit} noValidate>
        <Stack gap="sm">
          <Title order={2} size="h4" id="password-title">
            {t('password.title')}
          </Title>
          <PasswordInput
            ref={currentField}
            label={t('password.current')}
            value={current}
            onChange={({ currentTarget }) => setCurrent(currentTarget.value)}
            autoComplete="current-password"
            error={wasTried && current === '' ? t('password.currentMissing') : undefined}
          />
          <PasswordInput
            ref={nextField}
            label={t('password.next')}
            description={t('password.rules', { count: PASSWORD_LENGTH })}
            value={next}
            onChange={({ currentTarget }) => setNext(currentTarget.value)}
            autoComplete="new-password"
            error={wasTried && isShort ? t('password.short', { count: PASSWORD_LENGTH }) : undefined}
          />
          {change.error !== null && (
            <Text c="red" role="alert">
              {textOf(change.error)}
            </Text>
          )}
          {change.isSuccess && <Text role="status">{t('password.done')}</Text>}
          <Group>
            <Button type="submit" loading={change.isPending}>
              {t('password.change')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
