import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import type { FactorOffer } from '../factor.client.ts';
import { useFirstFocus } from '../frame/first.focus.ts';
import { useProblemText } from '../frame/problem.view.tsx';
import { QrPicture } from '../frame/qr.picture.tsx';
import { makePasskey } from '../passkeys.ts';

/** A factor that the gateway offered and that the person has not proved yet. */
export interface FactorInProgress extends FactorOffer {
  readonly id: string;
  readonly kind: 'totp' | 'passkey';
}

/** Completes a new factor: with a code of the app, or with a passkey of the browser. `done` gets the recovery codes of the first factor. */
export function NewFactor({
  factor,
  done,
  cancel,
}: {
  factor: FactorInProgress;
  done: (codes: readonly string[]) => void;
  cancel: () => void;
}) {
  const { t } = useTranslation();
  const textOf = useProblemText();
  const [code, setCode] = useState('');
  const [isRefused, setRefused] = useState(false);
  const field = useFirstFocus();
  const confirm = useMutation({
    mutationFn: async () => {
      const registration = factor.kind === 'passkey' ? await makePasskey(factor.passkey) : undefined;
      setRefused(factor.kind === 'passkey' && registration === undefined);
      if (factor.kind === 'passkey' && registration === undefined) return undefined;
      const proof = registration === undefined ? { code } : { registration };
      const params = { path: { id: factor.id } };
      return bodyOf(gateway.POST('/api/me/second-factors/{id}/confirm', { params, body: proof }));
    },
    onSuccess: (confirmed) => {
      if (confirmed !== undefined) done(confirmed.recovery_codes ?? []);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!confirm.isPending && (factor.kind === 'passkey' || code.trim() !== '')) confirm.mutate();
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm" align="flex-start">
        {factor.kind === 'totp' && (
          <>
            <Text>{t('factors.scan')}</Text>
            <QrPicture content={factor.uri} label={t('factors.picture')} />
            <Text size="sm" className="quiet">
              {t('factors.type')}
            </Text>
            <Code style={{ overflowWrap: 'anywhere' }}>{factor.secret.replace(/(.{4})(?=.)/g, '$1 ')}</Code>
            <TextInput
              label={t('factors.code')}
              value={code}
              onChange={({ currentTarget }) => setCode(currentTarget.value)}
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={20}
              ref={field}
            />
          </>
        )}
        {isRefused && (
          <Text c="red" role="alert">
            {t('factors.passkeyRefused')}
          </Text>
        )}
        {confirm.error !== null && (
          <Text c="red" role="alert">
            {textOf(confirm.error)}
          </Text>
        )}
        <Group>
          <Button type="submit" loading={confirm.isPending}>
            {t(factor.kind === 'totp' ? 'factors.continue' : 'factors.makePasskey')}
          </Button>
          <Button variant="default" onClick={cancel}>
            {t('factors.cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
