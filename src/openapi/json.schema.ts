import { z } from 'zod';

type Json = Readonly<Record<string, unknown>>;

/**
 * The descriptions and examples of the members of a schema, in its metadata (`memberTexts`). A key is the path of a member, or the end of
 * the path, without array positions: `code` or `quantity.unit`. The longest key applies.
 */
const Texts = z.record(z.string(), z.tuple([z.string(), z.unknown()]));
type Texts = z.output<typeof Texts>;

const Node = z.record(z.string(), z.unknown());

/** Returns the JSON Schema for the input or the output of a zod schema. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return Node.parse(described(json, {}, ''));
}

/** Adds the texts to each member of a schema that has no text of its own. `path` is the path below the schema with the texts. */
function described(node: unknown, texts: Texts, path: string): unknown {
  if (Array.isArray(node)) return node.map((item: unknown) => described(item, texts, path));
  const parsed = Node.safeParse(node).data;
  if (parsed === undefined) return node;
  const { memberTexts, ...rest } = parsed;
  if (memberTexts !== undefined) return described(rest, Texts.parse(memberTexts), '');
  return Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      name,
      name === 'properties'
        ? members(value, texts, path)
        : name === 'examples' || name === 'default' || name === 'enum' || name === 'const'
          ? value
          : described(value, texts, path),
    ]),
  );
}

function members(properties: unknown, texts: Texts, path: string): Json {
  return Object.fromEntries(
    Object.entries(Node.parse(properties)).map(([name, value]) => {
      const here = path === '' ? name : `${path}.${name}`;
      const schema = Node.parse(described(value, texts, here));
      const text = textOf(here, texts);
      return [name, text === undefined ? schema : { description: text[0], examples: [text[1]], ...schema }];
    }),
  );
}

function textOf(path: string, texts: Texts): Texts[string] | undefined {
  const segments = path.split('.');
  for (let at = 0; at < segments.length; at += 1) {
    const key = segments.slice(at).join('.');
    if (Object.hasOwn(texts, key)) return texts[key];
  }
  return undefined;
}
