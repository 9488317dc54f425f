import { Button, Checkbox, FileButton, Group } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { DropCard } from '../frame/drop.card.tsx';
import { ProblemView } from '../frame/problem.view.tsx';

/** Uploads a list of patients. By default it is rehearsed first, so that nothing is written before somebody has looked at it. */
export function NewImport() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isRehearsed, setRehearsed] = useState(true);
  const upload = useMutation({
    mutationFn: (file: File) => {
      const body = new FormData();
      body.append('file', file);
      return bodyOf(
        gateway.POST('/api/imports', {
          params: { query: { mode: isRehearsed ? 'rehearse' : 'commit' } },
          // The interface describes the file as text. The browser sends it as a part of a form.
          body: { file: file.name },
          bodySerializer: () => body,
        }),
      );
    },
    onSuccess: async ({ file_id }) => {
      await queries.invalidateQueries({ queryKey: ['imports'] });
      await navigate({ to: '/imports/$list', params: { list: file_id } });
    },
  });
  const send = (file: File | null | undefined) => {
    if (file !== null && file !== undefined && !upload.isPending) upload.mutate(file);
  };
  return (
    <DropCard
      title={t('imports.newTitle')}
      help={t('imports.newHelp')}
      drop={({ files }) => send(files.item(0))}
    >
      <Group>
        <FileButton onChange={send} accept=".csv,.tsv,.txt,.xlsx,.ods,text/csv">
          {(props) => (
            <Button {...props} loading={upload.isPending}>
              {t('imports.choose')}
            </Button>
          )}
        </FileButton>
        <Checkbox
          checked={isRehearsed}
          onChange={({ currentTarget }) => setRehearsed(currentTarget.checked)}
          label={t('imports.rehearse')}
        />
      </Group>
      {upload.error !== null && <ProblemView problem={upload.error} />}
    </DropCard>
  );
}
