import { Anchor, Card, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { nameOf, useMe } from '../client/me.ts';
import { FactorsCard } from './factors.card.tsx';
import { PasswordForm } from './password.form.tsx';
import { SessionsList } from './sessions.list.tsx';

/** The person's own account: groups, password and sign-ins. */
export function Profile() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <Stack p="md" maw={720} mx="auto">
      <Card withBorder component="section">
        <Title order={2} size="h4">
          {nameOf(me)}
        </Title>
        <Text className="quiet">{me.account.name}</Text>
        {me.groups.length > 0 && (
          <Text mt="xs">{t('profile.groups', { groups: me.groups.map(({ name }) => name).join(', ') })}</Text>
        )}
        <Text mt="xs">
          <Anchor href="/api/docs">{t('profile.interface')}</Anchor>
        </Text>
      </Card>
      <PasswordForm />
      <FactorsCard />
      <SessionsList />
    </Stack>
  );
}
