import { Button, FileButton, Group, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { DropCard } from '../frame/drop.card.tsx';
import { currentUpload } from './current.upload.ts';
import { UploadList } from './upload.list.tsx';
import { UploadProgress } from './upload.progress.tsx';
import { chosenFiles, droppedFiles } from './upload.source.ts';
import css from './uploads.module.css';

/** Uploads DICOM files: files, folders and ZIP archives that are dropped on the page or chosen. */
export function UploadPage() {
  const { t } = useTranslation();
  const view = useSyncExternalStore(
    (listener) => currentUpload.onChange(listener),
    () => currentUpload.view,
  );
  const queries = useQueryClient();
  const { stored, left } = view.counts;
  // The lists of studies are asked again when everything is stored.
  useEffect(() => {
    if (stored > 0 && left === 0) void queries.invalidateQueries({ queryKey: ['studies'] });
  }, [stored, left, queries]);
  return (
    <div className={css.upload}>
      <ChooseFiles />
      {view.isReading && (
        <Text role="status" px="md" className="quiet">
          {t('uploads.reading')}
        </Text>
      )}
      {view.files.length > 0 && (
        <>
          <UploadProgress view={view} />
          <UploadList files={view.files} />
        </>
      )}
    </div>
  );
}

/** The field on which files are dropped, with buttons for those who do not drag. */
function ChooseFiles() {
  const { t } = useTranslation();
  const folder = useRef<HTMLInputElement>(null);
  return (
    <div className={css.choose}>
      <DropCard
        title={t('uploads.title')}
        help={t('uploads.help')}
        drop={(dropped) => void currentUpload.add(droppedFiles(dropped))}
      >
        <Group>
          <FileButton
            multiple
            onChange={(files) => void currentUpload.add(files.map((file) => ({ file, path: file.name })))}
          >
            {(props) => <Button {...props}>{t('uploads.files')}</Button>}
          </FileButton>
          <Button variant="default" onClick={() => folder.current?.click()}>
            {t('uploads.folder')}
          </Button>
          <input
            ref={folder}
            type="file"
            hidden
            webkitdirectory=""
            aria-label={t('uploads.folder')}
            onChange={({ currentTarget }) => {
              void currentUpload.add(chosenFiles(currentTarget.files));
              // The same folder can be chosen again.
              currentTarget.value = '';
            }}
          />
        </Group>
      </DropCard>
    </div>
  );
}
