import { Button, Card, Group, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { isTooShort, PASSWORD_LENGTH } from '../profile/password.rules.ts';

/** Adds a person. Without a password, the person cannot sign in yet. */
export function NewPersonForm({ done }: { done: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [username, setUsername] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [wasTried, setTried] = useState(false);
  const add = useMutation({
    mutationFn: () =>
      gateway.POST('/api/users', {
        body: { username, display_name: name, ...(password !== '' && { password }) },
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['users'] });
      done();
    },
  });
  const isShort = password !== '' && isTooShort(password);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (username.trim() !== '' && !isShort && !add.isPending) add.mutate();
  };
  return (
    <Card withBorder component="section" maw={520} aria-labelledby="new-person">
      <form onSubmit={submit} noValidate>
        <Stack gap="sm">
          <Title order={2} size="h4" id="new-person">
            {t('people.addTitle')}
          </Title>
          <TextInput
            label={t('people.username')}
            value={username}
            onChange={({ currentTarget }) => setUsername(currentTarget.value)}
            error={wasTried && username.trim() === '' ? t('people.usernameMissing') : undefined}
            autoComplete="off"
            data-autofocus
          />
          <TextInput
            label={t('people.name')}
            value={name}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
            autoComplete="off"
          />
          <PasswordInput
            label={t('people.password')}
            description={t('people.passwordHelp', { count: PASSWORD_LENGTH })}
            value={password}
            onChange={({ currentTarget }) => setPassword(currentTarget.value)}
            error={wasTried && isShort ? t('password.short', { count: PASSWORD_LENGTH }) : undefined}
            autoComplete="new-password"
          />
          {add.error !== null && <ProblemView problem={add.error} />}
          <Group>
            <Button type="submit" loading={add.isPending}>
              {t('people.add')}
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
