import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { paths } from 'interface';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { PagedTable } from '../frame/paged.table.tsx';
import { ProblemView } from '../frame/problem.view.tsx';

type Item = paths['/api/quarantine']['get']['responses'][200]['content']['application/json']['items'][number];
type Decision = 'accept' | 'discard';

/** Objects that contradict the catalog, with both sides next to each other. They are not visible until somebody decides. */
export function QuarantinePage() {
  const { t, i18n } = useTranslation();
  const formats = useFormats();
  const reason = (code: string) => i18n.t(`quarantine.reasons.${code}`, { defaultValue: code });
  return (
    <Stack p="md" gap="md">
      <Text>{t('quarantine.intro')}</Text>
      <PagedTable
        about={['quarantine']}
        load={({ signal, ...query }) => bodyOf(gateway.GET('/api/quarantine', { params: { query }, signal }))}
        keyOf={({ id }) => id}
        search={t('quarantine.search')}
        empty={t('quarantine.none')}
        columns={[
          { name: 'since', title: t('quarantine.since'), cell: ({ since }) => formats.moment(since) },
          { name: 'reason', title: t('quarantine.reason'), cell: (item) => reason(item.reason) },
          {
            name: 'arrived',
            title: t('quarantine.arrived'),
            cell: ({ patient, modalities, instances }) => (
              <>
                <Text>{`${patient.patient_id} (${patient.issuer})`}</Text>
                <Text size="sm" className="quiet">
                  {`${modalities.join(', ')} · ${t('study.images', { count: instances, shown: formats.number(instances) })}`}
                </Text>
              </>
            ),
          },
          {
            name: 'held',
            title: t('quarantine.held'),
            cell: ({ held_by: held }) => (held === null ? '–' : `${held.patient_id} (${held.issuer})`),
          },
          { name: 'decision', title: t('quarantine.decision'), cell: (item) => <Decide item={item} /> },
        ]}
      />
    </Stack>
  );
}

function Decide({ item: { id, instances } }: { item: Item }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Decision>();
  const decide = useMutation({
    mutationFn: (decision: Decision) =>
      gateway.POST('/api/quarantine/{id}/decide', { params: { path: { id } }, body: { decision } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['quarantine'] }),
  });
  if (asked === undefined)
    return (
      <Group gap="xs" wrap="nowrap">
        <Button size="xs" variant="default" onClick={() => setAsked('accept')}>
          {t('quarantine.accept')}
        </Button>
        <Button size="xs" variant="default" onClick={() => setAsked('discard')}>
          {t('quarantine.discard')}
        </Button>
      </Group>
    );
  return (
    <Stack gap="xs">
      <Text size="sm">{t(`quarantine.meaning.${asked}`, { count: instances })}</Text>
      <Group gap="xs">
        <Button size="xs" color="red" loading={decide.isPending} onClick={() => decide.mutate(asked)}>
          {t(`quarantine.${asked}`)}
        </Button>
        <Button size="xs" variant="default" onClick={() => setAsked(undefined)}>
          {t('lists.cancel')}
        </Button>
      </Group>
      {decide.error !== null && <ProblemView problem={decide.error} />}
    </Stack>
  );
}
