import { SaxesParser } from 'saxes';
import { FileRefused } from './csv.refusal.js';
import type { EntryReader } from './zip.entries.js';

/** Handlers for the elements of an XML part. Names have no prefix. */
export interface XmlHandlers {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text(text: string): void;
  close(name: string): void;
}

const refuse = (): never => {
  throw new FileRefused('file-spreadsheet');
};
const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Returns a reader that parses an XML part of UTF-8 as a stream. It throws `FileRefused` for invalid XML and for a document type. */
export function xmlReader(handlers: XmlHandlers): EntryReader {
  const parser = new SaxesParser();
  const decoder = new TextDecoder();
  parser.on('error', refuse);
  // A document type could define entities that expand without limit.
  parser.on('doctype', refuse);
  parser.on('opentag', ({ name, attributes }) => {
    handlers.open(local(name), attributes);
  });
  parser.on('text', (text) => {
    handlers.text(text);
  });
  parser.on('closetag', ({ name }) => {
    handlers.close(local(name));
  });
  return (bytes, isLast) => {
    const text = decoder.decode(bytes, { stream: !isLast });
    if (text !== '') parser.write(text);
    if (isLast) parser.close();
  };
}
