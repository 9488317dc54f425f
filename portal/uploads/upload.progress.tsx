import { Alert, Button, Group, Progress, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { currentUpload, type UploadView } from './current.upload.ts';
import { maySucceed } from './upload.types.ts';
import css from './uploads.module.css';

const COUNTS = ['stored', 'present', 'failed', 'left'] as const;

/** The progress of an upload: files, bytes, rate and time left, and what it waits for. */
export function UploadProgress({ view }: { view: UploadView }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { counts, pause, rate, sentOfBatch } = view;
  const bytes = Math.min(counts.doneBytes + sentOfBatch, counts.bytes);
  const percent = counts.bytes === 0 ? 100 : (bytes / counts.bytes) * 100;
  const seconds = rate > 0 ? Math.ceil((counts.bytes - bytes) / rate) : undefined;
  const isDone = counts.left === 0 && !view.isReading;
  const isMoving = !isDone && pause === 'none' && seconds !== undefined;
  return (
    <section className={css.progress} aria-label={t('uploads.progress')}>
      <Progress value={isDone ? 100 : percent} aria-label={t('uploads.progress')} />
      <Text role="status" size="sm">
        {isDone
          ? t('uploads.done')
          : t('uploads.sent', { sent: formats.bytes(bytes), total: formats.bytes(counts.bytes) })}
        {isMoving && ` · ${t('uploads.rate', { rate: formats.bytes(rate) })}`}
        {isMoving && ` · ${timeLeft(seconds)}`}
      </Text>
      <dl className={css.counts}>
        {COUNTS.map((name) => (
          <div key={name} data-count={name}>
            <dt>{t(`uploads.counts.${name}`)}</dt>
            <dd>{formats.number(counts[name])}</dd>
          </div>
        ))}
      </dl>
      {(pause === 'away' || pause === 'signed-out') && (
        <Alert color="yellow" variant="light">
          {t(`uploads.waits.${pause}`)}
        </Alert>
      )}
      <Group>
        {!isDone && pause !== 'paused' && (
          <Button variant="default" onClick={() => currentUpload.stop()}>
            {t('uploads.pause')}
          </Button>
        )}
        {!isDone && pause === 'paused' && (
          <Button onClick={() => currentUpload.resume()}>{t('uploads.resume')}</Button>
        )}
        {isDone && view.files.some(maySucceed) && (
          <Button variant="default" onClick={() => currentUpload.again()}>
            {t('uploads.again')}
          </Button>
        )}
        {isDone && (
          <Button variant="subtle" onClick={() => currentUpload.clear()}>
            {t('uploads.clear')}
          </Button>
        )}
      </Group>
    </section>
  );

  function timeLeft(left: number): string {
    return left < 90
      ? t('uploads.seconds', { count: left, shown: formats.number(left) })
      : t('uploads.minutes', { count: Math.ceil(left / 60), shown: formats.number(Math.ceil(left / 60)) });
  }
}
