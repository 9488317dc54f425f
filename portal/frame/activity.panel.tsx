import { CloseButton, Progress } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { bodyOf, gateway } from '../client/interface.client.ts';
import { isMoving } from '../records/import.status.ts';
import { activitiesNow, forgetImport, onActivities } from './activity.store.ts';
import { useFormats } from './formats.ts';
import css from './frame.module.css';

const REFRESH_MS = 4000;
/** Each request extends the session. So the progress is not followed for longer than this without a visit of its page. */
const FOLLOWED_MS = 15 * 60_000;
/** Largest number of imports beside the name of the account. */
const MOST = 2;

/** The uploads and imports that run while other pages are shown: their progress, each with a link to its page. */
export function ActivityPanel() {
  const { t } = useTranslation();
  const formats = useFormats();
  const { upload, imports } = useSyncExternalStore(onActivities, activitiesNow);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const elsewhere = [...imports].filter(([id]) => path !== `/imports/${id}`);
  const isUploadShown = upload !== undefined && path !== '/upload';
  if (!isUploadShown && elsewhere.length === 0) return null;
  return (
    <div role="group" aria-label={t('activity.title')} className={css.activities}>
      {isUploadShown && (
        <Link to="/upload" className={css.activity}>
          <span>
            {t(upload.isWaiting ? 'activity.uploadWaits' : 'activity.upload', {
              percent: formats.percent(upload.percent),
            })}
          </span>
          <Progress size="xs" value={upload.percent} aria-label={t('activity.progress')} />
        </Link>
      )}
      {elsewhere.slice(-MOST).map(([id, since]) => (
        <ImportActivity key={id} id={id} since={since} />
      ))}
    </div>
  );
}

function ImportActivity({ id, since }: { id: string; since: number }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data } = useQuery({
    queryKey: ['imports', 'one', id],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/imports/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) =>
      state.data !== undefined && isMoving(state.data) && Date.now() - since < FOLLOWED_MS
        ? REFRESH_MS
        : false,
  });
  if (data === undefined) return null;
  const isRunning = isMoving(data);
  return (
    <span className={css.activityItem}>
      <Link to="/imports/$list" params={{ list: id }} className={css.activity}>
        <span>
          {isRunning
            ? t('activity.import', { percent: formats.percent(data.percent) })
            : t('activity.importEnded', { status: t(`imports.statuses.${data.status}`) })}
        </span>
        {isRunning && <Progress size="xs" value={data.percent} aria-label={t('activity.progress')} />}
      </Link>
      {!isRunning && <CloseButton size="sm" aria-label={t('lists.close')} onClick={() => forgetImport(id)} />}
    </span>
  );
}
