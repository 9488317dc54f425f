import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SeriesObject } from './object.queries.ts';
import css from './objects.module.css';

/** The largest size of the picture of a page in pixels. */
const PAGE_PX = '560,760';

interface ObjectPreviewProps {
  /** The path of the instance (PS3.18 §10.4). */
  readonly path: string;
  readonly object: SeriesObject;
  /** The description of the series. */
  readonly title: string;
}

/**
 * Shows a report as a page in a frame without scripts, the first page of a PDF as a picture, and an image as a small picture. A frame of
 * another origin could not be shown, and a report cannot reach the page around it.
 */
export function ObjectPreview({ path, object, title }: ObjectPreviewProps) {
  const { t } = useTranslation();
  const [hasFailed, setFailed] = useState(false);
  if (object.kind === 'report')
    return (
      <iframe
        className={css.report}
        sandbox=""
        src={`${path}/rendered?accept=text/html`}
        title={title || t('study.report')}
        loading="lazy"
      />
    );
  const isPage = object.kind === 'document';
  if (hasFailed) return isPage ? <p className="quiet">{t('study.noPreview')}</p> : null;
  return (
    <img
      className={isPage ? css.paper : css.small}
      src={isPage ? `${path}/thumbnail?viewport=${PAGE_PX}` : `${path}/thumbnail`}
      alt={isPage ? t('study.firstPage', { title }) : ''}
      loading="lazy"
      decoding="async"
      onError={() => setFailed(true)}
    />
  );
}
