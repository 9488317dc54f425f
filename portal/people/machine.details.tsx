import {
  Alert,
  Badge,
  Button,
  Code,
  CopyButton,
  Drawer,
  Group,
  Skeleton,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';

/** One machine account: what it last sent, and its keys. */
export function MachineDetails() {
  const { t } = useTranslation();
  const formats = useFormats();
  const { machine } = useParams({ from: '/machines/$machine' });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = { params: { path: { id: machine } } };
  const { data, error, refetch } = useQuery({
    queryKey: ['machines', 'one', machine],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/accounts/{id}', { ...path, signal })),
  });
  const change = useMutation({
    mutationFn: (disabled: boolean) => gateway.PATCH('/api/accounts/{id}', { ...path, body: { disabled } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['machines'] }),
  });
  const trouble = error ?? change.error;
  return (
    <Drawer
      opened
      onClose={() => void navigate({ to: '/machines' })}
      position="right"
      size="lg"
      title={t('machines.machine')}
      closeButtonProps={{ 'aria-label': t('lists.close') }}
    >
      <Stack gap="lg">
        {trouble !== null && <ProblemView problem={trouble} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={60} />}
        {data !== undefined && (
          <>
            <div>
              <Group gap="xs">
                <Title order={2} size="h3">
                  {data.name}
                </Title>
                {data.disabled && (
                  <Badge color="gray" tt="none">
                    {t('people.disabled')}
                  </Badge>
                )}
                {data.silent === true && (
                  <Badge color="red" variant="dot" tt="none">
                    {t('machines.silent')}
                  </Badge>
                )}
              </Group>
              <Text className="quiet">
                {data.last_instance_at === null
                  ? t('machines.neverSent')
                  : t('machines.lastSent', { when: formats.moment(data.last_instance_at) })}
              </Text>
            </div>
            <Keys machine={machine} command={data.store_command} />
            <Group>
              <Button
                variant="default"
                loading={change.isPending}
                onClick={() => change.mutate(!data.disabled)}
              >
                {t(data.disabled ? 'people.enable' : 'people.disable')}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Drawer>
  );
}

function Keys({ machine, command }: { machine: string; command: string }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const queryKey = ['machines', 'keys', machine];
  const keys = useQuery({
    queryKey,
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/accounts/{account}/keys', { params: { path: { account: machine } }, signal })),
  });
  const settle = () => queries.invalidateQueries({ queryKey });
  const add = useMutation({
    mutationFn: () =>
      bodyOf(
        gateway.POST('/api/accounts/{account}/keys', {
          params: { path: { account: machine } },
          body: { name },
        }),
      ),
    onSuccess: () => setName(''),
    onSettled: settle,
  });
  const remove = useMutation({
    mutationFn: (id: string) =>
      gateway.DELETE('/api/accounts/{account}/keys/{id}', { params: { path: { account: machine, id } } }),
    onSettled: settle,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '' && !add.isPending) add.mutate();
  };
  const trouble = keys.error ?? add.error ?? remove.error;
  return (
    <Stack gap="xs" component="section" aria-labelledby="keys">
      <Title order={3} size="h5" id="keys">
        {t('machines.keys')}
      </Title>
      {trouble !== null && <ProblemView problem={trouble} again={() => void keys.refetch()} />}
      {keys.data?.total === 0 && <Text className="quiet">{t('machines.noKeys')}</Text>}
      {keys.data?.items.map(({ id, name, last_used_at: used, expires_at: end }) => (
        <Group key={id} justify="space-between">
          <div>
            <Text>{name}</Text>
            <Text size="sm" className="quiet">
              {used === null ? t('machines.neverUsed') : t('sessions.used', { when: formats.moment(used) })}
              {end !== null && ` · ${t('machines.ends', { when: formats.moment(end) })}`}
            </Text>
          </div>
          <Button
            size="xs"
            variant="subtle"
            color="red"
            disabled={remove.isPending}
            onClick={() => remove.mutate(id)}
          >
            {t('machines.removeKey')}
          </Button>
        </Group>
      ))}
      <form onSubmit={submit}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label={t('machines.keyName')}
            value={name}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
            maxLength={128}
          />
          <Button type="submit" loading={add.isPending} disabled={name.trim() === ''}>
            {t('machines.addKey')}
          </Button>
        </Group>
      </form>
      {add.data !== undefined && (
        <NewKey secret={add.data.key} command={command.replace('rgk_…', add.data.key)} />
      )}
    </Stack>
  );
}

/** The secret of a new key, with a command that uses it. The gateway does not show the secret again. */
function NewKey({ secret, command }: { secret: string; command: string }) {
  const { t } = useTranslation();
  return (
    <Alert color="yellow" variant="light">
      <Stack gap="xs">
        <Text>{t('machines.once')}</Text>
        {[secret, command].map((text) => (
          <Group key={text} wrap="nowrap" align="flex-start">
            <Code block flex={1} style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
              {text}
            </Code>
            <CopyButton value={text}>
              {({ copied, copy }) => (
                <Button size="xs" variant="default" onClick={copy}>
                  {t(copied ? 'machines.copied' : 'machines.copy')}
                </Button>
              )}
            </CopyButton>
          </Group>
        ))}
      </Stack>
    </Alert>
  );
}
