import { TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { onWords, setWords, wordsNow } from '../studies/search.words.ts';
import css from './frame.module.css';
import { Icon } from './icons.tsx';

/** The search for studies by name, id, accession number and description. The key `/` moves the focus here. */
export function SearchBox() {
  const { t } = useTranslation();
  const words = useSyncExternalStore(onWords, wordsNow);
  const field = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  useHotkeys([['/', () => field.current?.focus()]]);
  return (
    <search className={css.search}>
      <TextInput
        ref={field}
        type="search"
        value={words}
        onChange={({ currentTarget }) => {
          setWords(currentTarget.value);
          void navigate({ to: '/studies', search: (kept) => kept });
        }}
        placeholder={t('frame.search')}
        aria-label={t('frame.search')}
        leftSection={<Icon name="search" size={18} />}
        rightSection={<kbd aria-hidden="true">/</kbd>}
        maxLength={200}
        autoComplete="off"
      />
    </search>
  );
}
