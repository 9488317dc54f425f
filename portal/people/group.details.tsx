import { Drawer, Skeleton, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { GroupFactor } from './group.factor.tsx';
import { GroupGrants } from './group.grants.tsx';
import { GroupMembers } from './group.members.tsx';

/** One group: what it may do, and who belongs to it. */
export function GroupDetails() {
  const { t } = useTranslation();
  const { group } = useParams({ from: '/groups/$group' });
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['groups', 'one', group],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/groups/{id}', { params: { path: { id: group } }, signal })),
  });
  return (
    <Drawer
      opened
      onClose={() => void navigate({ to: '/groups' })}
      position="right"
      size="lg"
      title={t('groups.group')}
      closeButtonProps={{ 'aria-label': t('lists.close') }}
    >
      <Stack gap="lg">
        {error !== null && <ProblemView problem={error} again={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton height={60} />}
        {data !== undefined && (
          <>
            <Title order={2} size="h3">
              {data.name}
            </Title>
            <GroupGrants group={group} name={data.name} />
            <GroupMembers group={group} />
            <GroupFactor group={data} />
          </>
        )}
      </Stack>
    </Drawer>
  );
}
