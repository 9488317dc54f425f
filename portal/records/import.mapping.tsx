import { Alert, Button, Group, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useMe } from '../client/me.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { MappingDraft } from './mapping.draft.tsx';
import type { MappingChoice, Proposal } from './proposal.types.ts';

/** Chooses the mapping of a list whose columns fit no mapping without doubt: a stored one, or the proposed one after corrections. */
export function ImportMapping({ list }: { list: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayImport = useMe().rights.includes('records:import');
  const path = { id: list };
  const { data, error, refetch } = useQuery({
    queryKey: ['imports', 'proposal', list],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/imports/{id}/proposal', { params: { path }, signal })),
    // The answer has a draft that the person edits, so it is asked for once.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const choose = useMutation({
    mutationFn: (body: MappingChoice) =>
      gateway.POST('/api/imports/{id}/mapping', { params: { path }, body }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['imports'] }),
  });
  if (error !== null) return <ProblemView problem={error} again={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={160} />;
  return (
    <Stack component="section" gap="sm" aria-label={t('proposal.title')}>
      {data.findings.map(({ code, message, suggestion }) => (
        <Alert key={`${code} ${message}`} color="yellow" variant="light">
          {message} {suggestion}
        </Alert>
      ))}
      {mayImport && data.fits.length > 0 && (
        <>
          <Title order={3} size="h5">
            {t('proposal.fits')}
          </Title>
          <Group gap="xs">
            {data.fits.map(({ name, version }) => (
              <Button
                key={name}
                variant="default"
                loading={choose.isPending}
                onClick={() => choose.mutate({ mapping: `${name}@${version}` })}
              >
                {t('proposal.use', { name, version })}
              </Button>
            ))}
          </Group>
        </>
      )}
      <Title order={3} size="h5">
        {t('proposal.columns')}
      </Title>
      <Columns columns={data.columns} />
      {data.draft === null ? (
        <Text>{t('proposal.noDraft')}</Text>
      ) : (
        <>
          <Preview rows={data.preview} />
          {mayImport && (
            <MappingDraft
              draft={data.draft}
              questions={data.questions}
              isBusy={choose.isPending}
              save={(document) => choose.mutate({ document })}
            />
          )}
        </>
      )}
      {choose.error !== null && <ProblemView problem={choose.error} />}
    </Stack>
  );
}

function Columns({ columns }: { columns: Proposal['columns'] }) {
  const { t } = useTranslation();
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('proposal.column')}</Table.Th>
          <Table.Th>{t('proposal.meaning')}</Table.Th>
          <Table.Th>{t('proposal.why')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {columns.map(({ column, meaning, field, reason }) => (
          <Table.Tr key={column}>
            <Table.Td>{column}</Table.Td>
            <Table.Td>{field === null ? t('proposal.unused') : meaning.replaceAll('_', ' ')}</Table.Td>
            <Table.Td>{reason}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Preview({ rows }: { rows: Proposal['preview'] }) {
  const { t } = useTranslation();
  return (
    <>
      <Title order={3} size="h5">
        {t('proposal.preview')}
      </Title>
      {rows.map(({ row, state, resources, words, issues }) => (
        <details key={row}>
          <summary>
            {t('proposal.row', { row, state: t(`proposal.states.${state}`) })}
            {': '}
            {[...resources.map(({ resourceType }) => resourceType), ...words].join(', ')}
          </summary>
          {issues.map(({ code, message, suggestion }) => (
            <Text key={`${code} ${message}`} size="sm">
              {message} {suggestion}
            </Text>
          ))}
          <Text component="pre" size="sm" tabIndex={0} style={{ overflow: 'auto' }}>
            {JSON.stringify(resources, null, 2)}
          </Text>
        </details>
      ))}
    </>
  );
}
