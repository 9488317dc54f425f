import { Link, useNavigate } from '@tanstack/react-router';
import type { KeyboardEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import { readableName } from '../frame/readable.values.ts';
import css from './studies.module.css';
import type { ColumnName } from './study.columns.ts';
import type { ListedStudy } from './study.queries.ts';
import { Thumbnail } from './thumbnail.tsx';

interface StudyRowProps {
  readonly index: number;
  readonly top: number;
  /** Undefined while its page is loaded. */
  readonly study: ListedStudy | undefined;
  readonly open: string | undefined;
  readonly columns: readonly ColumnName[];
}

/** Columns of figures, which are aligned. */
const FIGURES = new Set<ColumnName>(['birthDate', 'date', 'images']);

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
export function StudyRow({ index, top, study, open, columns }: StudyRowProps) {
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
  const cells: Readonly<Record<ColumnName, ReactNode>> = {
    patient: (
      <Link
        to="/studies/$study"
        params={{ study: study.study_uid }}
        search={(kept) => kept}
        onClick={(event) => event.stopPropagation()}
      >
        {name === '' ? t('studies.noName') : name}
      </Link>
    ),
    patientId: study.patient_id,
    birthDate: formats.day(study.birth_date),
    date: formats.day(study.date),
    modalities: study.modalities.join(', '),
    description: study.description,
    accession: study.accession_number,
    institution: study.institution,
    images: formats.number(study.instances),
  };
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
      {columns.map((column) => (
        <span
          key={column}
          role="cell"
          data-column={column}
          className={FIGURES.has(column) ? 'figures' : undefined}
          title={column === 'date' ? study.time : undefined}
        >
          {cells[column]}
        </span>
      ))}
    </div>
  );
}
