import { Alert, Drawer, Skeleton, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { QuarantineDecision } from './quarantine.decision.tsx';
import css from './system.module.css';

/** The header values of both sides of a group in quarantine, with their differences marked, and the decision. */
export function QuarantineSides() {
  const { t } = useTranslation();
  const { item: id } = useParams({ from: '/quarantine/$item' });
  const navigate = useNavigate();
  const path = { params: { path: { id } } };
  const item = useQuery({
    queryKey: ['quarantine', 'item', id],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/quarantine/{id}', { ...path, signal })),
  });
  const { data, error, refetch } = useQuery({
    queryKey: ['quarantine', 'sides', id],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/quarantine/{id}/sides', { ...path, signal })),
  });
  const close = () => void navigate({ to: '/quarantine' });
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="xl"
      title={t('quarantine.compareTitle')}
      closeButtonProps={{ 'aria-label': t('lists.close') }}
    >
      <Stack>
        {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={240} />}
        {data !== undefined && (
          <>
            <Text className="quiet">{t('quarantine.firstOnly', { count: item.data?.instances ?? 1 })}</Text>
            {data.arrived === 'unreadable' && (
              <Alert color="orange">{t('quarantine.arrivedUnreadable')}</Alert>
            )}
            {data.held !== 'read' && <Alert color="orange">{t(`quarantine.heldState.${data.held}`)}</Alert>}
            <Table className={css.sides}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('quarantine.attribute')}</Table.Th>
                  <Table.Th>{t('quarantine.arrived')}</Table.Th>
                  <Table.Th>{t('quarantine.held')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.attributes.map(({ tag, keyword, arrived, held, differs }) => (
                  <Table.Tr key={tag} data-differs={differs}>
                    <Table.Td>
                      {keyword}
                      {differs && (
                        <Text size="sm" className="quiet">
                          {t('quarantine.differs')}
                        </Text>
                      )}
                    </Table.Td>
                    <Table.Td>{arrived ?? '–'}</Table.Td>
                    <Table.Td>{held ?? '–'}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </>
        )}
        {item.data !== undefined && <QuarantineDecision item={item.data} decided={close} />}
      </Stack>
    </Drawer>
  );
}
