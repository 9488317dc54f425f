import { z } from 'zod';
import { MEMBER_TEXTS } from './member.texts.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * The descriptions and examples of the members of a schema, in its metadata (`memberTexts`). A key is the path of a member, or the end of
 * the path, without array positions: `code` or `quantity.unit`. The longest key applies.
 */
const Texts = z.record(z.string(), z.tuple([z.string(), z.unknown().optional()]));
type Texts = z.output<typeof Texts>;

const Node = z.record(z.string(), z.unknown());

/**
 * Returns the JSON Schema for the input or the output of a zod schema. Members without a text get the text of `MEMBER_TEXTS`. `area` is the
 * beginning of the paths, such as `concept-map`.
 */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output', area = ''): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return Node.parse(described(json, Texts.parse(MEMBER_TEXTS), area));
}

/** The beginning of the paths of a route's members: the last segment of its path that is not a parameter. */
export function areaOf(path: string): string {
  return path.split('/').findLast((segment) => !/^[:{]|^$/.test(segment)) ?? '';
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
      return [name, text === undefined ? schema : { ...toldBy(text, schema), ...schema }];
    }),
  );
}

/** The text and the example, if the example has the type of the schema. */
function toldBy([description, example]: Texts[string], schema: Json): Json {
  return fits(example, schema) ? { description, examples: [example] } : { description };
}

function fits(example: unknown, { type, enum: values, anyOf }: Json): boolean {
  if (example === undefined) return false;
  if (Array.isArray(values)) return values.includes(example);
  if (Array.isArray(anyOf)) return anyOf.some((one: unknown) => fits(example, Node.parse(one)));
  const types = new Set([type].flat());
  if (Array.isArray(example)) return types.has('array');
  if (typeof example === 'number') return types.has('number') || types.has('integer');
  return type === undefined || types.has(typeof example);
}

function textOf(path: string, texts: Texts): Texts[string] | undefined {
  const segments = path.split('.');
  for (let at = 0; at < segments.length; at += 1) {
    const key = segments.slice(at).join('.');
    if (Object.hasOwn(texts, key)) return texts[key];
  }
  return undefined;
}
