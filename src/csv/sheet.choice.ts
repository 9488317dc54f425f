import { FileRefused } from './csv.refusal.js';

/** Which sheet of a workbook is read. */
export interface SheetChoice {
  /** The name or the number of the requested sheet. The default is the first visible sheet. */
  readonly sheet?: string | undefined;
  /** Gets the number of visible sheets of a workbook. */
  readonly onSheets?: (count: number) => void;
}

/** A sheet of a workbook. */
export interface NamedSheet {
  readonly name: string;
  readonly isHidden: boolean;
}

/**
 * The sheet to read: the first visible sheet, or the requested one. A name takes precedence over a number. Upper and lower case are equal, as
 * in spreadsheet programs. Throws `FileRefused` without the names of the sheets, because a name can be the name of a patient.
 */
export function chosenSheet<Sheet extends NamedSheet>(
  sheets: readonly Sheet[],
  { sheet, onSheets }: SheetChoice,
): Sheet | undefined {
  const visible = sheets.filter(({ isHidden }) => !isHidden);
  onSheets?.(visible.length);
  if (sheet === undefined) return visible[0] ?? sheets[0];
  const wanted = folded(sheet);
  const found =
    visible.find(({ name }) => folded(name) === wanted) ??
    (/^[1-9]\d{0,4}$/u.test(wanted) ? visible[Number(wanted) - 1] : undefined);
  if (found === undefined) throw new FileRefused('file-sheet-missing');
  return found;
}

const folded = (name: string): string => name.normalize('NFC').trim().toLowerCase();
