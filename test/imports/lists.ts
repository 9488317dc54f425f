import { CIRCULATING, encodeList } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';

/** The cells of one row of the Brazilian list. Missing cells get valid values. */
export type BrazilCells = Partial<
  Record<'name' | 'cpf' | 'gender' | 'birth' | 'phone' | 'country' | 'note', string>
>;

/** A row of the Brazilian list. */
export function row(cpf: string, cells: BrazilCells = {}): string[] {
  const {
    name = 'Maria da Silva',
    gender = 'Feminino',
    birth = '01/02/1980',
    phone = '(11) 3333-4444',
    country = 'Brasil',
    note = '',
  } = cells;
  return [name, cells.cpf ?? cpf, gender, birth, phone, country, note];
}

/** The header line of the Brazilian list. */
export const HEADER = COLUMNS.join(',');

/** A list with the header of the Brazilian list. */
export const list = (...rows: readonly string[][]): Buffer =>
  encodeList([[...COLUMNS], ...rows], CIRCULATING);

/** A CPF number without valid check digits. Each `at` gives a different number. */
export const cpfOf = (at: number): string => {
  const digits = String(at).padStart(6, '0');
  return `444.${digits.slice(0, 3)}.${digits.slice(3)}-10`;
};
