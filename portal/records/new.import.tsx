import { Button, Card, Checkbox, FileButton, Group, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type DragEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import css from './records.module.css';

/** Uploads a list of patients. By default it is rehearsed first, so that nothing is written before somebody has looked at it. */
export function NewImport() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isRehearsed, setRehearsed] = useState(true);
  const [isOver, setOver] = useState(false);
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
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    send(event.dataTransfer.files.item(0));
  };
  return (
    <Card
      withBorder
      component="section"
      aria-labelledby="new-import"
      className={css.drop}
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Stack gap="xs">
        <Title order={2} size="h4" id="new-import">
          {t('imports.newTitle')}
        </Title>
        <Text className="quiet">{t('imports.newHelp')}</Text>
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
      </Stack>
    </Card>
  );
}
