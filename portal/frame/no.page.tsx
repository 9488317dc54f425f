import { Button, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';

/** The page for an address that leads nowhere. It looks alike for what does not exist and for what the account may not see. */
export function NoPage() {
  const { t } = useTranslation();
  return (
    <Stack align="flex-start" p="xl" maw={560}>
      <Title order={2}>{t('frame.nothingTitle')}</Title>
      <Text>{t('frame.nothing')}</Text>
      <Button component={Link} to="/">
        {t('frame.start')}
      </Button>
    </Stack>
  );
}
