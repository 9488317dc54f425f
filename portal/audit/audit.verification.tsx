import { Alert, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';

const VERIFICATION = ['audit-verification'];
const RUNNING_MS = 2000;

/** Whether new entries are sealed, until when the seals were verified and by whom, and a button that verifies them. */
export function AuditVerification() {
  const { t } = useTranslation();
  const formats = useFormats();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: VERIFICATION,
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/audit/verification', { signal })),
    refetchInterval: ({ state }) => (isOpen(state.data?.check?.state) ? RUNNING_MS : false),
  });
  const begin = useMutation({
    mutationFn: () => gateway.POST('/api/audit/verification'),
    onSettled: () => queries.invalidateQueries({ queryKey: VERIFICATION }),
  });
  const check = data?.check ?? undefined;
  const trouble = error ?? begin.error;
  const rows = formats.number(check?.rows ?? 0);
  return (
    <Card withBorder component="section" aria-labelledby="verification">
      <Stack gap="sm">
        <Title order={2} size="h4" id="verification">
          {t('audit.seals.title')}
        </Title>
        {trouble !== null && <ProblemView problem={trouble} again={() => void refetch()} />}
        {data?.sealing === 'stalled' && <Alert color="red">{t('system.auditStalled')}</Alert>}
        {data !== undefined && check === undefined && <Text className="quiet">{t('audit.seals.never')}</Text>}
        {check !== undefined && isOpen(check.state) && (
          <Text role="status">{t('audit.seals.running', { rows })}</Text>
        )}
        {check?.state === 'failed' && <Alert color="orange">{t('audit.seals.failed')}</Alert>}
        {check?.state === 'completed' && (
          <div>
            {check.fault === null ? (
              <Text>
                {t('audit.seals.verified', { rows, until: formats.moment(check.verified_until ?? '') })}
              </Text>
            ) : (
              <Alert color="red" title={t('audit.seals.fault')}>
                {check.fault}
              </Alert>
            )}
            {check.unsealed !== null && <Alert color="orange">{check.unsealed}</Alert>}
            {check.late.length > 0 && <Text>{t('audit.seals.late', { count: check.late.length })}</Text>}
            <Text size="sm" className="quiet">
              {t('audit.seals.by', {
                account: check.requested_by,
                when: formats.moment(check.finished_at ?? ''),
              })}
            </Text>
          </div>
        )}
        <Group>
          <Button
            variant="default"
            loading={begin.isPending || isOpen(check?.state)}
            onClick={() => begin.mutate()}
          >
            {t('audit.seals.verify')}
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}

function isOpen(state: string | undefined): boolean {
  return state === 'requested' || state === 'running';
}
