import { Button, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { setWords } from './search.words.ts';

/** Says why the list is empty, and what to do next. */
export function StudiesEmpty({ isFiltered }: { isFiltered: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  if (!isFiltered)
    return (
      <Stack p="xl" maw={560} gap="xs">
        <Text fw={600}>{t('studies.noneTitle')}</Text>
        <Text className="quiet">{t('studies.none')}</Text>
      </Stack>
    );
  return (
    <Stack p="xl" maw={560} gap="xs" align="flex-start">
      <Text fw={600}>{t('studies.noMatchTitle')}</Text>
      <Text className="quiet">{t('studies.noMatch')}</Text>
      <Button
        variant="default"
        onClick={() => {
          setWords('');
          void navigate({ to: '/studies', search: {} });
        }}
      >
        {t('studies.clear')}
      </Button>
    </Stack>
  );
}
