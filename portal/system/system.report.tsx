import { Card, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import css from '../records/records.module.css';

const REFRESH_MS = 10_000;
const NAMES = { gateway: 'Radgate', node: 'Node.js', postgres: 'PostgreSQL', orthanc: 'Orthanc' } as const;
const SERVICES = ['gateway', 'node', 'postgres', 'orthanc'] as const;

/** The versions of the services, the free space of the disks, and the jobs of the queues. */
export function SystemReport() {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['system'],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/system', { signal })),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Card withBorder component="section" aria-labelledby="report">
      <Stack gap="sm">
        <Title order={2} size="h4" id="report">
          {t('system.report')}
        </Title>
        {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={120} />}
        {data !== undefined && (
          <>
            <dl className={css.counts}>
              {SERVICES.map((name) => (
                <div key={name}>
                  <dt>{NAMES[name]}</dt>
                  <dd>{data.versions[name] ?? '–'}</dd>
                </div>
              ))}
              {data.disks.map(({ of, free, size }) => (
                <div key={of}>
                  <dt>{t(`system.disks.${of}`)}</dt>
                  <dd>{t('system.free', { free: formats.bytes(free), size: formats.bytes(size) })}</dd>
                </div>
              ))}
              <div>
                <dt>{t('system.behind')}</dt>
                <dd>{data.behind === null ? '–' : formats.number(data.behind)}</dd>
              </div>
            </dl>
            <Text size="sm" className="quiet">
              {t('system.startedAt', { when: formats.moment(data.started_at) })}
            </Text>
            {data.queues.length === 0 ? (
              <Text>{t('system.noJobs')}</Text>
            ) : (
              <Table className="figures">
                <Table.Thead>
                  <Table.Tr>
                    {(['name', 'waiting', 'running', 'failed'] as const).map((column) => (
                      <Table.Th key={column}>{t(`system.jobs.${column}`)}</Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.queues.map(({ name, waiting, running, failed }) => (
                    <Table.Tr key={name}>
                      <Table.Td>{name}</Table.Td>
                      <Table.Td>{formats.number(waiting)}</Table.Td>
                      <Table.Td>{formats.number(running)}</Table.Td>
                      <Table.Td>{formats.number(failed)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </>
        )}
      </Stack>
    </Card>
  );
}
