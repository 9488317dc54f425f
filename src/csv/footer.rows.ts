import { foldText } from '../mapping/words/folding.js';

const THINGS =
  '(?:patients?|pacientes?|records?|registr?os?|utentes?|doentes?|malades?|faelle|falle|rows?|linhas?|filas?|lignes?|enregistrements?|patienten|zeilen|datensatze|items?|itens)';
const NUMBER = '[\\d.,]+';
const FOOTERS = [
  `(?:gesamt|insgesamt|summe) ?[:=]? ?(?:${NUMBER})?`,
  `(?:grand |sub)?tot(?:al|als|ais|ales|aux)(?: (?:geral|general|generale?))?(?: (?:of|de|des|der|do|dos))? ?${THINGS}? ?[:=]? ?(?:${NUMBER})?(?: ${THINGS})?`,
  `(?:count|number|quantidade|qtde?|cantidad|nombre|anzahl|numero)(?: (?:of|de|des|der) ${THINGS})? ?[:=]? ?${NUMBER}`,
  `${THINGS} ?[:=] ?${NUMBER}`,
  `\\(?${NUMBER} ${THINGS}(?: (?:affected|selected))?\\)?`,
  '[-*= ]*(?:(?:end|fim|fin|ende)(?: (?:of|do|del|du|des) (?:the )?(?:report|list|file|relatorio|lista|arquivo|informe|listado|archivo|rapport|fichier|berichts))?)[-*= ]*',
].map((pattern) => new RegExp(`^${pattern}$`, 'u'));
/** The start of every footer. It is tested first, because this test needs no folded text. */
const START =
  /^[-*=(\s\d.,]*(?:sub|grand|tot|gesamt|insg|summe|count|n[uú]m|quant|qtd|cant|nombre|anz|pati|paci|rec|reg|row|lin|fil|lig|enr|zeil|dat|it[en]|end|fi[mn]|gen|pri|exp|rep|emi|imp|ger|[eé]di|ged|erst|p[aá]g|seit)/iu;
const STAMP =
  /^(?:generated|printed|exported|report|emitido|impresso|gerado|exportado|impreso|generado|imprime|edite|gedruckt|erstellt|page|pagina|seite)\b.*\d/u;

/**
 * Whether the cells are a line that reports print below a list: a count ("Total: 50"), an end mark, or the date of the report. The caller
 * must use it only for the last lines of a file.
 */
export function isFooterLine(cells: readonly string[]): boolean {
  const filled = cells.filter((cell) => cell.trim() !== '');
  if (filled.length > 3 || !START.test(filled[0] ?? '')) return false;
  const text = foldText(filled.join(' '));
  return FOOTERS.some((footer) => footer.test(text)) || (filled.length === 1 && STAMP.test(text));
}
