import { Button, Skeleton, Stack, Table, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { useFormats } from '../frame/formats.ts';
import { studyPageQuery } from '../studies/study.queries.ts';
import { grouped } from './grouped.accesses.ts';
import { useKinds } from './plain.kinds.ts';

const STEP = 50;

/** Who has opened the patient's images, newest first. */
export function OwnAccesses() {
  const { t } = useTranslation();
  const formats = useFormats();
  const [limit, setLimit] = useState(STEP);
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['own-accesses', limit],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/me/accesses', { params: { query: { limit: String(limit) } }, signal })),
    placeholderData: keepPreviousData,
  });
  const studies = useQuery(studyPageQuery({}, 0));
  const kindOf = useKinds();
  const images = (uid: string | null) => {
    const study = studies.data?.items.find(({ study_uid }) => study_uid === uid);
    return study === undefined ? '' : [kindOf(study), formats.day(study.date)].filter(Boolean).join(', ');
  };
  return (
    <Stack p="md" maw={720} mx="auto">
      <Text>{t('looked.intro')}</Text>
      {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={110} />}
      {data?.total === 0 && <Text className="quiet">{t('looked.none')}</Text>}
      {data !== undefined && data.total > 0 && (
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('looked.when')}</Table.Th>
              <Table.Th>{t('looked.who')}</Table.Th>
              <Table.Th>{t('looked.which')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {grouped(data.items).map((access) => (
              <Table.Tr key={`${access.at} ${access.account ?? ''} ${access.study_uid ?? ''}`}>
                <Table.Td className="figures">{formats.moment(access.at)}</Table.Td>
                <Table.Td>
                  {access.is_own ? t('looked.you') : access.name || access.account || t('looked.staff')}
                  {access.organisation !== '' && (
                    <Text size="sm" className="quiet">
                      {access.organisation}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>{images(access.study_uid)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {data !== undefined && data.items.length < data.total && (
        <Button variant="default" loading={isFetching} onClick={() => setLimit(limit + STEP)}>
          {t('patient.more')}
        </Button>
      )}
    </Stack>
  );
}
