import { Link, useNavigate } from '@tanstack/react-router';
import type { KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { readableName } from '../frame/readable.values.ts';
import css from './studies.module.css';
import type { ListedStudy } from './study.queries.ts';
import { Thumbnail } from './thumbnail.tsx';

interface StudyRowProps {
  readonly index: number;
  readonly top: number;
  /** Undefined while its page is loaded. */
  readonly study: ListedStudy | undefined;
  readonly open: string | undefined;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** Moves the focus to the row above or below. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = STEPS[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const links = [
    ...(event.currentTarget.closest('[role=table]')?.querySelectorAll<HTMLElement>('[data-row] a') ?? []),
  ];
  links[links.findIndex((link) => event.currentTarget.contains(link)) + step]?.focus();
}

/** One study. A click anywhere in the row opens its details; the name is the link for the keyboard and screen readers. */
export function StudyRow({ index, top, study, open }: StudyRowProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const navigate = useNavigate();
  const place = { transform: `translateY(${top}px)` };
  if (study === undefined)
    return (
      <div role="row" aria-rowindex={index + 2} className={css.row} style={place} data-waiting>
        <span role="cell" className={css.skeleton} />
      </div>
    );
  const go = () =>
    void navigate({ to: '/studies/$study', params: { study: study.study_uid }, search: (kept) => kept });
  const name = readableName(study.patient_name);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={css.row}
      style={place}
      data-row
      data-open={open === study.study_uid}
      onClick={go}
      onKeyDown={moveFocus}
    >
      <span role="cell">
        <Thumbnail
          key={study.study_uid}
          study={study.study_uid}
          modality={study.modalities[0] ?? ''}
          size={40}
        />
      </span>
      <span role="cell" data-column="patient">
        <Link
          to="/studies/$study"
          params={{ study: study.study_uid }}
          search={(kept) => kept}
          onClick={(event) => event.stopPropagation()}
        >
          {name === '' ? t('studies.noName') : name}
        </Link>
      </span>
      <span role="cell" data-column="patientId">
        {study.patient_id}
      </span>
      <span role="cell" data-column="birthDate" className="figures">
        {formats.day(study.birth_date)}
      </span>
      <span role="cell" data-column="date" className="figures" title={study.time}>
        {formats.day(study.date)}
      </span>
      <span role="cell" data-column="modalities">
        {study.modalities.join(', ')}
      </span>
      <span role="cell" data-column="description">
        {study.description}
      </span>
      <span role="cell" data-column="accession">
        {study.accession_number}
      </span>
      <span role="cell" data-column="images" className="figures">
        {formats.number(study.instances)}
      </span>
    </div>
  );
}
