import { Alert, Button, Code, CopyButton, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** Shows new recovery codes, which the gateway does not show again. */
export function RecoveryCodes({ codes, done }: { codes: readonly string[]; done: () => void }) {
  const { t } = useTranslation();
  return (
    <Alert color="yellow" variant="light">
      <Stack gap="xs">
        <Title order={3} size="h5">
          {t('factors.codesTitle')}
        </Title>
        <Text>{t('factors.codesHelp')}</Text>
        <SimpleGrid cols={2} spacing="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
          {codes.map((code) => (
            <li key={code}>
              <Code>{code}</Code>
            </li>
          ))}
        </SimpleGrid>
        <Group>
          <CopyButton value={codes.join('\n')}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {t(copied ? 'factors.copied' : 'factors.copy')}
              </Button>
            )}
          </CopyButton>
          <Button size="xs" onClick={done}>
            {t('factors.saved')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
