import { SegmentedControl, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { countNameOf } from './upload.counts.ts';
import type { FileState, UploadFile } from './upload.types.ts';
import css from './uploads.module.css';

const ROW_PX = 40;

/** The files of an upload with their results. Only the rows on the screen are drawn. */
export function UploadList({ files }: { files: readonly UploadFile[] }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const resultOf = useResultText();
  const [isFailedOnly, setFailedOnly] = useState(false);
  const shown = isFailedOnly ? files.filter((file) => countNameOf(file) === 'failed') : files;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  return (
    <section className={css.list} aria-label={t('uploads.list')}>
      <SegmentedControl
        size="xs"
        value={isFailedOnly ? 'failed' : 'all'}
        onChange={(value) => setFailedOnly(value === 'failed')}
        aria-label={t('uploads.show')}
        data={[
          { value: 'all', label: t('uploads.all') },
          { value: 'failed', label: t('uploads.failedOnly') },
        ]}
      />
      {shown.length === 0 && <Text className="quiet">{t('uploads.noneFailed')}</Text>}
      <div
        ref={scroller}
        className={css.scroller}
        role="table"
        tabIndex={0}
        aria-label={t('uploads.list')}
        aria-rowcount={shown.length}
      >
        <div role="rowgroup" className={css.rows} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, key, start }) => {
            const file = shown[index];
            if (file === undefined) return null;
            return (
              <div
                key={key}
                role="row"
                aria-rowindex={index + 1}
                className={css.row}
                data-result={countNameOf(file)}
                style={{ transform: `translateY(${start}px)` }}
              >
                <span role="cell" title={file.source.name}>
                  {file.source.name}
                </span>
                <span role="cell">{formats.bytes(file.source.size)}</span>
                <span role="cell" title={resultOf(file.state)}>
                  {resultOf(file.state)}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** Returns the text of a result. A reason without a text shows the sentence of the gateway. */
function useResultText(): (state: FileState) => string {
  const { t, i18n } = useTranslation();
  return (state) => {
    if (state.at !== 'failed') return t(`uploads.states.${state.at}`);
    const name = typeof state.why === 'number' ? `x${state.why.toString(16).padStart(4, '0')}` : state.why;
    const key = `uploads.reasons.${name}`;
    if (i18n.exists(key)) return i18n.t(key, { defaultValue: state.comment });
    return state.comment === '' ? t('uploads.reasons.refused') : state.comment;
  };
}
