/**
 * Returns a schema or document of OpenAPI 3.1 in the words of 3.0, as far as a page shows them. Swagger UI resolves a document of 3.1 as a
 * whole when a route is opened, which takes seconds for a document of this size. It resolves only the opened route of a document of 3.0.
 */
export function inWordsOf30(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(inWordsOf30);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).flatMap(([name, value]) => wordsOf(name, value)));
}

function wordsOf(name: string, value: unknown): [name: string, value: unknown][] {
  if (name === 'type' && Array.isArray(value)) {
    const type: unknown = value.find((one) => one !== 'null');
    return [
      ['type', type],
      ...(value.includes('null') ? [['nullable', true] satisfies [string, unknown]] : []),
    ];
  }
  if (name === 'examples' && Array.isArray(value)) return [['example', value[0]]];
  if (name === 'const') return [['enum', [value]]];
  return [[name, name === 'default' || name === 'enum' ? value : inWordsOf30(value)]];
}
