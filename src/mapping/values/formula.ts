/** A cell that a spreadsheet wrote as a formula to keep a text unchanged: `="00123"`. */
const TEXT_FORMULA = /^="((?:[^"]|"")*)"$/u;
/** The first character of an expression after `=`. A spreadsheet shows `=>` or `==` as text. */
const OPERAND = /^=\s*[\p{L}\p{N}_"'$(+\-@[{#.]/u;
/** A function call, for example `SUM(`. A space before the bracket makes it a text. */
const CALL = /(?:^|[^\p{L}\p{N}])[a-z_][a-z0-9_.]*\(/iu;
/** A call of another program (DDE), for example `cmd|'/C calc'!A0` or `cmd|x`. */
const OTHER_PROGRAM = /^[a-z_][\w.]*\s*\|\s*\S/iu;
const REFERENCE = String.raw`(?:(?:'[^']+'|[\w.]+)!)?\$?[a-z]{1,3}\$?[1-9]\d{0,6}`;
const TERM = String.raw`[+-]*(?:${REFERENCE}(?::${REFERENCE})?|\d+(?:[.,]\d+)?%?|"[^"]*")`;
/** A calculation with cells, for example `A1+B2*3`. */
const CALCULATION = new RegExp(`^\\s*${TERM}(?:\\s*[-+*/^&<>=]+\\s*${TERM})*\\s*$`, 'iu');

/**
 * Whether a spreadsheet program would calculate the text. A text such as `- asthma`, a signed number, and a phone number that begins with
 * `+` are not formulas, because a spreadsheet program would calculate nothing with them.
 */
export function isFormula(text: string): boolean {
  if (text.startsWith('=')) return OPERAND.test(text);
  if (text.startsWith('@')) return CALL.test(text.slice(1));
  if (!text.startsWith('+') && !text.startsWith('-')) return false;
  const expression = text.slice(1).replace(/^[+\-@\s]+/u, '');
  if (CALL.test(expression) || /(?:^|[-+*/^&(])\s*[a-z_][\w.]*\|/iu.test(expression)) return true;
  if (OTHER_PROGRAM.test(expression)) return true;
  return /\p{L}/u.test(expression) && CALCULATION.test(expression);
}

/** The text of a cell. A formula that only contains a text (`="00123"`) gives this text. */
export function withoutTextFormula(text: string): string {
  const inner = TEXT_FORMULA.exec(text)?.[1];
  return inner === undefined ? text : inner.replaceAll('""', '"');
}
