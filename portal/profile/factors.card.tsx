import { Button, Card, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { factorOfferOf } from '../factor.client.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { hasPasskeys } from '../passkeys.ts';
import { FactorPassword } from './factor.password.tsx';
import { type FactorInProgress, NewFactor } from './new.factor.tsx';
import { RecoveryCodes } from './recovery.codes.tsx';

const FACTORS = ['second-factors'];

/** A change that the person chose and that needs the password. */
type Change =
  | { readonly what: 'add'; readonly kind: 'totp' | 'passkey' }
  | { readonly what: 'remove'; readonly id: string }
  | { readonly what: 'renew' };

/** The person's second factors: list, add, remove, and new recovery codes. */
export function FactorsCard() {
  const { t } = useTranslation();
  const formats = useFormats();
  const queries = useQueryClient();
  const [change, setChange] = useState<Change>();
  const [factor, setFactor] = useState<FactorInProgress>();
  const [codes, setCodes] = useState<readonly string[]>([]);
  const { data, error, refetch } = useQuery({
    queryKey: FACTORS,
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/me/second-factors', { signal })),
  });
  const ask = () => queries.invalidateQueries({ queryKey: FACTORS });
  const apply = useMutation({
    mutationFn: async ({ password, name, wish }: { password: string; name: string; wish: Change }) => {
      if (wish.what === 'add') {
        const body = { kind: wish.kind, password, name };
        const begun = await bodyOf(gateway.POST('/api/me/second-factors', { body }));
        setFactor({ ...factorOfferOf(begun), id: begun.id, kind: begun.kind });
      } else if (wish.what === 'remove') {
        const params = { path: { id: wish.id } };
        await gateway.POST('/api/me/second-factors/{id}/remove', { params, body: { password } });
      } else {
        const renewed = await bodyOf(gateway.POST('/api/me/recovery-codes', { body: { password } }));
        setCodes(renewed.recovery_codes);
      }
    },
    onSuccess: () => {
      setChange(undefined);
      return ask();
    },
  });
  const choose = (wish: Change) => {
    apply.reset();
    setFactor(undefined);
    setChange(wish);
  };
  if (data?.has_password === false) return null;
  const isIdle = change === undefined && factor === undefined && codes.length === 0;
  return (
    <Card withBorder component="section" aria-labelledby="factors-title">
      <Stack gap="sm">
        <Title order={2} size="h4" id="factors-title">
          {t('factors.title')}
        </Title>
        {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={60} />}
        {data?.required === true && <Text>{t('factors.required')}</Text>}
        {data?.items.length === 0 && <Text className="quiet">{t('factors.none')}</Text>}
        {data?.items.map(({ id, kind, name, created_at: added, last_used_at: used }) => (
          <Group key={id} justify="space-between" wrap="nowrap">
            <div>
              <Text lineClamp={1}>
                {name === '' ? t(`factors.${kind}`) : `${name} (${t(`factors.${kind}`)})`}
              </Text>
              <Text size="sm" className="quiet">
                {t('factors.added', { when: formats.moment(added) })} ·{' '}
                {used === null ? t('factors.unused') : t('factors.used', { when: formats.moment(used) })}
              </Text>
            </div>
            <Button
              size="xs"
              variant="default"
              disabled={!isIdle}
              onClick={() => choose({ what: 'remove', id })}
            >
              {t('factors.remove')}
            </Button>
          </Group>
        ))}
        {data !== undefined && data.items.length > 0 && (
          <Text>{t('factors.codesLeft', { count: data.recovery_codes_left })}</Text>
        )}
        {codes.length > 0 && <RecoveryCodes codes={codes} done={() => setCodes([])} />}
        {change !== undefined && (
          <FactorPassword
            key={change.what === 'remove' ? change.id : change.what}
            hasName={change.what === 'add'}
            isBusy={apply.isPending}
            error={apply.error}
            send={(password, name) => apply.mutate({ password, name, wish: change })}
            cancel={() => setChange(undefined)}
          />
        )}
        {factor !== undefined && (
          <NewFactor
            factor={factor}
            cancel={() => setFactor(undefined)}
            done={(made) => {
              setFactor(undefined);
              setCodes(made);
              void ask();
            }}
          />
        )}
        {isIdle && data !== undefined && (
          <Group>
            <Button variant="default" onClick={() => choose({ what: 'add', kind: 'totp' })}>
              {t('factors.addTotp')}
            </Button>
            {data.passkeys_available && hasPasskeys() && (
              <Button variant="default" onClick={() => choose({ what: 'add', kind: 'passkey' })}>
                {t('factors.addPasskey')}
              </Button>
            )}
            {data.items.length > 0 && (
              <Button variant="default" onClick={() => choose({ what: 'renew' })}>
                {t('factors.renew')}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Card>
  );
}
