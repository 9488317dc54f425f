/** Attributes of an XML element. Attributes with the value `undefined` are left out. */
type XmlAttributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};
/** Control characters and noncharacters. XML 1.0 allows only some of them (§2.2). */
const CONTROL = /[\p{Cc}\uFFFE\uFFFF]/gu;

/** Escapes text for the content of an element or the value of an attribute. Characters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(CONTROL, (letter) => (isAllowed(letter) ? letter : '\uFFFD'))
    .replace(/[&<>"\r]/g, (letter) => ESCAPES[letter] ?? letter);
}

function isAllowed(letter: string): boolean {
  const code = letter.charCodeAt(0);
  return '\t\n\r'.includes(letter) || (code >= 0x20 && code < 0xfffe);
}

/** Writes an XML element. `content` is XML text that is already escaped. Without content, the element is empty. */
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

/** An XML document in UTF-8. */
export function xmlDocument(root: string): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${root}`);
}
