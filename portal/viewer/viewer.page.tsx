import { Button, Group, Modal, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useBlocker, useParams, useRouter } from '@tanstack/react-router';
import { type RefObject, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../client/problems.ts';
import { useMe } from '../client/me.ts';
import { Icon } from '../frame/icons.tsx';
import { menuOf } from '../frame/menu.entries.ts';
import { NoPage } from '../frame/no.page.tsx';
import { readableName } from '../frame/readable.values.ts';
import { AccountMenu } from '../frame/top.bar.tsx';
import { studyQuery } from '../studies/study.queries.ts';
import { holdsUnsaved, useViewerChannel } from './viewer.channel.ts';
import css from './viewer.module.css';

/** The viewer with one study, below a bar that leads back to the list. The viewer itself is OHIF, in a frame of the same origin. */
export function ViewerPage() {
  const { t } = useTranslation();
  const { study } = useParams({ from: '/view/$study' });
  // Nothing may replace an open study, because the viewer may hold unsaved measurements.
  const { data, error } = useQuery({ ...studyQuery(study), refetchOnWindowFocus: false });
  const frame = useRef<HTMLIFrameElement>(null);
  useViewerChannel(frame);
  const isAbsent = data === undefined && error instanceof Problem && error.status === 404;
  const patient = readableName(data?.patient_name ?? '');
  return (
    <div className={css.frame}>
      <header className={css.bar}>
        <BackButton />
        <h1 className={css.title}>
          {[patient, data?.description].filter(Boolean).join(' · ') || t('viewer.title')}
        </h1>
        <AccountMenu />
      </header>
      {isAbsent ? (
        <main className={css.absent}>
          <NoPage />
        </main>
      ) : (
        <iframe
          ref={frame}
          className={css.viewer}
          src={`/viewer/viewer?${new URLSearchParams({ StudyInstanceUIDs: study }).toString()}`}
          title={t('viewer.title')}
          allow="fullscreen"
        />
      )}
      <LeaveQuestion frame={frame} />
    </div>
  );
}

/** Leads back to the page before, with its search. If the viewer was opened by its address, leads to the start page. */
function BackButton() {
  const { t } = useTranslation();
  const { history, navigate } = useRouter();
  const [first] = menuOf(useMe());
  const back = () => {
    if (history.canGoBack()) history.back();
    else void navigate({ to: first?.path ?? '/' });
  };
  return (
    <Button variant="subtle" leftSection={<Icon name="collapse" size={18} />} onClick={back}>
      {t('viewer.back')}
    </Button>
  );
}

/** Asks before unsaved measurements are lost. The browser itself asks if the tab is closed. */
function LeaveQuestion({ frame }: { frame: RefObject<HTMLIFrameElement | null> }) {
  const { t } = useTranslation();
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: () => holdsUnsaved(frame.current),
    enableBeforeUnload: () => holdsUnsaved(frame.current),
    withResolver: true,
  });
  return (
    <Modal opened={status === 'blocked'} onClose={() => reset?.()} title={t('viewer.leaveTitle')} centered>
      <Text>{t('viewer.leave')}</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={() => proceed?.()}>
          {t('viewer.leaveSurely')}
        </Button>
        <Button onClick={() => reset?.()} data-autofocus>
          {t('viewer.stay')}
        </Button>
      </Group>
    </Modal>
  );
}
