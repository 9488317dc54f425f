import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Problem } from '../client/problems.ts';

/** Returns the text of a problem in the language of the page. Codes without a text show the gateway's own sentence. */
export function useProblemText(): (error: Error) => string {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof Problem)) return t('problems.page');
    const key = `problems.codes.${error.code}`;
    if (i18n.exists(key)) return i18n.t(key, { defaultValue: error.detail });
    return error.detail === '' ? t('problems.refused', { status: error.status }) : error.detail;
  };
}

/** Shows a problem: the sentence, its code, the request id to copy, and a button that tries again. */
export function ProblemView({ problem, again }: { problem: Error; again?: () => void }) {
  const { t } = useTranslation();
  const textOf = useProblemText();
  const { code, requestId } = problem instanceof Problem ? problem : { code: '', requestId: '' };
  return (
    <Alert color="red" variant="light" role="alert" m="md">
      <Stack gap="xs">
        <Text>{textOf(problem)}</Text>
        {code !== '' && (
          <Group gap="xs">
            <Code>{code}</Code>
            {requestId !== '' && (
              <Text size="sm" className="quiet">
                {t('problems.request')} <Code>{requestId}</Code>
              </Text>
            )}
          </Group>
        )}
        {again !== undefined && (
          <Group>
            <Button size="xs" variant="default" onClick={again}>
              {t('problems.again')}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
