import { useState } from 'react';
import css from './studies.module.css';

interface ThumbnailProps {
  readonly study: string;
  readonly series?: string;
  /** Shown in place of the picture if there is none. */
  readonly modality: string;
  readonly size: number;
}

/** Modalities of objects without pixels (PS3.3 C.7.3.1.1.1). */
const WITHOUT_PICTURE = new Set([
  'AU',
  'DOC',
  'ECG',
  'FID',
  'KO',
  'PLAN',
  'PR',
  'REG',
  'RTPLAN',
  'RTSTRUCT',
  'SR',
]);

/** A small picture of a study or series, on black. */
export function Thumbnail({ study, series, modality, size }: ThumbnailProps) {
  const [hasFailed, setFailed] = useState(WITHOUT_PICTURE.has(modality));
  const path = `/dicom-web/studies/${study}${series === undefined ? '' : `/series/${series}`}/thumbnail`;
  return (
    <span className={css.thumbnail} style={{ width: size, height: size }}>
      {hasFailed ? (
        <span className={css.badge}>{modality}</span>
      ) : (
        <img
          src={path}
          alt=""
          width={size}
          height={size}
          loading="lazy"
          decoding="async"
          onError={() => setFailed(true)}
        />
      )}
    </span>
  );
}
