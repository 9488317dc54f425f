import { Button, Menu } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import css from './studies.module.css';
import { modalityCountsQuery, type StudySearch } from './study.queries.ts';

/** The number of modalities beside the other filters. The others are in a menu. */
const BESIDE = 8;

interface ModalityCountsProps {
  readonly search: StudySearch;
  readonly choose: (modality: string | undefined) => void;
}

/** The modalities of the studies that match, each with its number of studies. A click filters the list, a second one ends that. */
export function ModalityCounts({ search, choose }: ModalityCountsProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data } = useQuery({ ...modalityCountsQuery(search), placeholderData: keepPreviousData });
  const { modality: chosen } = search;
  const counts = data?.items ?? [];
  // A chosen modality stays, although no study of it may match the words.
  const isMissing = chosen !== undefined && counts.every(({ modality }) => modality !== chosen);
  const all = isMissing ? [{ modality: chosen, studies: 0 }, ...counts] : counts;
  const isBeside = (modality: string, at: number) => at < BESIDE || modality === chosen;
  const others = all.filter(({ modality }, at) => !isBeside(modality, at));
  const toggle = (modality: string) => choose(modality === chosen ? undefined : modality);
  return (
    <div role="group" aria-label={t('studies.filters.modality')} className={css.modalities}>
      {all
        .filter(({ modality }, at) => isBeside(modality, at))
        .map(({ modality, studies }) => (
          <Button
            key={modality}
            size="xs"
            variant={modality === chosen ? 'filled' : 'default'}
            aria-pressed={modality === chosen}
            onClick={() => toggle(modality)}
            rightSection={<span className="figures">{formats.number(studies)}</span>}
          >
            {modality}
          </Button>
        ))}
      {others.length > 0 && (
        <Menu>
          <Menu.Target>
            <Button size="xs" variant="default">
              {t('studies.filters.more')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
            {others.map(({ modality, studies }) => (
              <Menu.Item
                key={modality}
                onClick={() => toggle(modality)}
                rightSection={<span className="figures">{formats.number(studies)}</span>}
              >
                {modality}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </div>
  );
}
