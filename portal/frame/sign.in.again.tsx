import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Me, meQuery, nameOf } from '../client/me.ts';
import { queries } from '../client/queries.ts';
import { sessionUsed } from '../client/session.state.ts';
import { type FactorRequest, signIn, type SignIn } from '../session.client.ts';
import { FactorPrompt } from './factor.prompt.tsx';

/** Returns the account of the new session. If it is another account, the whole page starts again, because it shows the first one's data. */
async function continueAs(me: Me): Promise<void> {
  const now = await queries.fetchQuery({ ...meQuery, staleTime: 0 });
  if (now.account.id !== me.account.id) location.replace('/');
}

/** Asks for the password again after the session has ended. The page below stays as it was, with what was typed. */
export function SignInAgain({ me, done }: { me: Me; done: () => void }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const [result, setResult] = useState<SignIn>();
  const [factor, setFactor] = useState<FactorRequest>();
  const [hasEnded, setEnded] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const arrive = async () => {
    await continueAs(me);
    sessionUsed();
    done();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || password === '') return;
    setBusy(true);
    const answer = await signIn(me.account.name, password);
    setBusy(false);
    setPassword('');
    setEnded(false);
    if (answer.outcome === 'factor') setFactor(answer.request);
    else if (answer.outcome === 'signed-in') await arrive();
    else setResult(answer);
  };
  const refusal =
    result === undefined || result.outcome === 'signed-in' || result.outcome === 'factor'
      ? undefined
      : t(`session.outcomes.${result.outcome}`);
  const error = hasEnded ? t('factors.outcomes.ended') : refusal;
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      title={t('session.endedTitle')}
      centered
    >
      {factor === undefined ? (
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="sm">
            <Text>{t('session.ended', { name: nameOf(me) })}</Text>
            <PasswordInput
              label={t('session.password')}
              value={password}
              onChange={({ currentTarget }) => setPassword(currentTarget.value)}
              autoComplete="current-password"
              error={error}
              data-autofocus
            />
            <Group justify="space-between">
              <Button component="a" href="/login" variant="subtle">
                {t('session.other')}
              </Button>
              <Button type="submit" loading={isBusy}>
                {t('session.again')}
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <FactorPrompt
          request={factor}
          done={() => void arrive()}
          ended={() => {
            setFactor(undefined);
            setResult(undefined);
            setEnded(true);
          }}
        />
      )}
    </Modal>
  );
}
