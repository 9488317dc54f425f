import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type FactorProof, proveFactor, type ProvedFactor } from '../factor.client.ts';
import { hasPasskeys, usePasskey } from '../passkeys.ts';
import type { FactorRequest } from '../session.client.ts';
import { useFirstFocus } from './first.focus.ts';

/** Asks for the second factor of a sign-in. `ended` is called when the password must be entered again. */
export function FactorPrompt({
  request,
  done,
  ended,
}: {
  request: FactorRequest;
  done: () => void;
  ended: () => void;
}) {
  const { t } = useTranslation();
  const offers = (method: string) => request.methods.includes(method);
  const [isRecovery, setRecovery] = useState(false);
  const [code, setCode] = useState('');
  const [trouble, setTrouble] = useState('');
  const [isBusy, setBusy] = useState(false);
  const field = useFirstFocus();
  if (request.enrols)
    return (
      <Stack gap="sm">
        <Text>{t('factors.mustAdd')}</Text>
        <Group>
          <Button
            component="a"
            href={`/login?${new URLSearchParams({ next: location.pathname }).toString()}`}
          >
            {t('factors.toSignIn')}
          </Button>
        </Group>
      </Stack>
    );
  const tell = (result: ProvedFactor) => {
    if (result.outcome === 'signed-in') done();
    else if (result.outcome === 'ended') ended();
    else if (result.outcome === 'wrong') setTrouble(t('factors.outcomes.wrong'));
    else setTrouble(t(`session.outcomes.${result.outcome}`));
  };
  const send = async (proof: () => Promise<FactorProof | undefined>) => {
    if (isBusy) return;
    setBusy(true);
    setTrouble('');
    const found = await proof();
    if (found === undefined) setTrouble(t('factors.passkeyRefused'));
    else tell(await proveFactor(request, found));
    setBusy(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim() !== '') void send(async () => (isRecovery ? { recovery_code: code } : { code }));
  };
  const byPasskey = async () => {
    const passkey = await usePasskey(request.passkey);
    return passkey && { passkey };
  };
  const hasField = offers('totp') || isRecovery;
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        <Text>{t('factors.ask')}</Text>
        {hasField && (
          <TextInput
            label={t(isRecovery ? 'factors.recoveryCode' : 'factors.code')}
            value={code}
            onChange={({ currentTarget }) => setCode(currentTarget.value)}
            inputMode={isRecovery ? 'text' : 'numeric'}
            autoComplete={isRecovery ? 'off' : 'one-time-code'}
            maxLength={40}
            ref={field}
          />
        )}
        {trouble !== '' && (
          <Text c="red" role="alert">
            {trouble}
          </Text>
        )}
        <Group>
          {hasField && (
            <Button type="submit" loading={isBusy}>
              {t('factors.continue')}
            </Button>
          )}
          {offers('passkey') && hasPasskeys() && (
            <Button variant="default" disabled={isBusy} onClick={() => void send(byPasskey)}>
              {t('factors.usePasskey')}
            </Button>
          )}
          {(isRecovery ? offers('totp') : offers('recovery_code')) && (
            <Button
              variant="subtle"
              onClick={() => {
                setCode('');
                setRecovery(!isRecovery);
              }}
            >
              {t(isRecovery ? 'factors.useApp' : 'factors.useRecovery')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
