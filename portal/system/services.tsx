import { Badge, Card, Group, Skeleton, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { paths } from 'interface';
import { useTranslation } from 'react-i18next';

type Readiness = paths['/health/ready']['get']['responses'][200]['content']['application/json'];

const REFRESH_MS = 5000;
const COLORS = { up: 'green', away: 'red', off: 'gray' } as const;
const NAMES = { postgres: 'PostgreSQL', orthanc: 'Orthanc', hapi: 'HAPI FHIR' } as const;
const SERVICES = ['postgres', 'orthanc', 'hapi'] as const;

function isReadiness(body: unknown): body is Readiness {
  return typeof body === 'object' && body !== null && 'neighbours' in body && 'audit' in body;
}

/** Asks for the state of the services. The answer has the status 503 if one that is needed is away, with the same body. */
async function readiness(signal: AbortSignal): Promise<Readiness | undefined> {
  const answer = await fetch('/health/ready', { signal }).catch(() => undefined);
  const body: unknown = await answer?.json().catch(() => undefined);
  return isReadiness(body) ? body : undefined;
}

/** Whether each service answers. */
export function Services() {
  const { t } = useTranslation();
  const { data } = useQuery({
    queryKey: ['ready'],
    queryFn: async ({ signal }) => (await readiness(signal)) ?? null,
    refetchInterval: REFRESH_MS,
  });
  return (
    <Card withBorder component="section" aria-labelledby="services">
      <Title order={2} size="h4" id="services" mb="sm">
        {t('system.services')}
      </Title>
      {data === undefined && <Skeleton height={28} />}
      <Group gap="sm">
        <Badge tt="none" size="lg" variant="dot" color={data === null ? 'red' : 'green'}>
          {t(data === null ? 'system.gatewayAway' : 'system.gatewayUp')}
        </Badge>
        {data !== undefined &&
          data !== null &&
          SERVICES.map((name) => (
            <Badge key={name} tt="none" size="lg" variant="dot" color={COLORS[data.neighbours[name]]}>
              {t(`system.states.${data.neighbours[name]}`, { service: NAMES[name] })}
            </Badge>
          ))}
        {data?.audit === 'stalled' && (
          <Badge tt="none" size="lg" variant="dot" color="red">
            {t('system.auditStalled')}
          </Badge>
        )}
      </Group>
    </Card>
  );
}
