import { Button, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { ProblemView } from '../frame/problem.view.tsx';
import { DownloadButton, totalOf } from '../studies/download.button.tsx';
import { studyQuery } from '../studies/study.queries.ts';

/** Tells a patient what a download contains and how large it is, before it starts. */
export function OwnDownload({ study }: { study: string }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)}>
        {t('study.download')}
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={t('patient.downloadTitle')} centered>
        <AboutDownload study={study} />
      </Modal>
    </>
  );
}

function AboutDownload({ study }: { study: string }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data, error, refetch } = useQuery(studyQuery(study));
  if (error !== null) return <ProblemView problem={error} again={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={80} />;
  const bytes = totalOf(data);
  return (
    <Stack>
      <Text>{t('patient.downloadHelp')}</Text>
      {bytes !== null && <Text>{t('patient.downloadSize', { size: formats.bytes(bytes) })}</Text>}
      <DownloadButton study={study} bytes={null} />
    </Stack>
  );
}
