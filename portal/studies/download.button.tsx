import { Button, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { gateway } from '../client/interface.client.ts';
import { useFormats } from '../frame/formats.ts';
import { Icon } from '../frame/icons.tsx';
import { ProblemView } from '../frame/problem.view.tsx';
import type { StudyDetail } from './study.queries.ts';

interface DownloadProps {
  readonly study: string;
  /** Without a series, the whole study is downloaded. */
  readonly series?: string;
  /** Without an instance, the whole series is downloaded. */
  readonly instance?: string;
  /** The size of the files. Null if it is not known. */
  readonly bytes: number | null;
  readonly isSmall?: boolean;
}

/** The size of all files of a study. Null if a size is not known. */
export function totalOf({ series }: Pick<StudyDetail, 'series'>): number | null {
  return series.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  );
}

/** Asks first whether the download is possible, because the browser would leave the page to show a refusal. Then it starts. */
async function download({ study, series, instance }: DownloadProps): Promise<void> {
  if (series === undefined) {
    await gateway.HEAD('/api/studies/{study}/archive', { params: { path: { study } } });
    location.assign(`/api/studies/${study}/archive`);
  } else if (instance === undefined) {
    const path = { study, series };
    await gateway.HEAD('/api/studies/{study}/series/{series}/archive', { params: { path } });
    location.assign(`/api/studies/${study}/series/${series}/archive`);
  } else {
    const path = { study, series, instance };
    const address = '/api/studies/{study}/series/{series}/instances/{instance}/archive';
    await gateway.HEAD(address, { params: { path } });
    location.assign(`/api/studies/${study}/series/${series}/instances/${instance}/archive`);
  }
}

/** A button that downloads a study, a series or an instance as a ZIP archive, with the size of its files. */
export function DownloadButton(props: DownloadProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const start = useMutation({ mutationFn: () => download(props) });
  const { bytes, isSmall = false } = props;
  return (
    <Stack gap={0} align="flex-start">
      <Button
        variant={isSmall ? 'subtle' : 'default'}
        size={isSmall ? 'compact-xs' : 'sm'}
        loading={start.isPending}
        onClick={() => start.mutate()}
        leftSection={<Icon name="download" size={isSmall ? 14 : 18} />}
      >
        {bytes === null ? t('study.download') : t('study.downloadSize', { size: formats.bytes(bytes) })}
      </Button>
      {start.error !== null && <ProblemView problem={start.error} />}
    </Stack>
  );
}
