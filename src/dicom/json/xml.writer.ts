/** Attributes of an XML element; an undefined one is left out. */
type XmlAttributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};
/** Most of these XML 1.0 has no way to write (its §2.2). */
const DOUBTFUL = /[\p{Cc}\uFFFE\uFFFF]/gu;

/** Text as the content of an element or the value of an attribute; what XML cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(DOUBTFUL, (letter) => (isWritable(letter) ? letter : '\uFFFD'))
    .replace(/[&<>"\r]/g, (letter) => ESCAPES[letter] ?? letter);
}

function isWritable(letter: string): boolean {
  const code = letter.charCodeAt(0);
  return '\t\n\r'.includes(letter) || (code >= 0x20 && code < 0xfffe);
}

/** One element, its content written already; empty content makes an empty element. */
export function xmlElement(
  name: string,
  attributes: XmlAttributes = {},
  ...content: readonly string[]
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`);
  const inner = content.join('');
  return inner === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${inner}</${name}>`;
}

/** A whole document in UTF-8. */
export function xmlDocument(root: string): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${root}`);
}
