/** ICD-10 and its national versions (ICD-10-CM, CID-10): a letter, a digit, a digit or letter, and up to four more characters. */
const ICD10 = /^(?<category>[A-Z]\d[0-9A-Z])\.?(?<detail>[0-9A-Z]{1,4})?[†*+]?$/u;

/** The ICD-10 code of a text, with its dot: `e119` is `E11.9`. The value is undefined for another text. */
export function icdCode(text: string): string | undefined {
  const { category, detail } = ICD10.exec(text.trim().toUpperCase())?.groups ?? {};
  if (category === undefined) return undefined;
  return detail === undefined ? category : `${category}.${detail}`;
}
