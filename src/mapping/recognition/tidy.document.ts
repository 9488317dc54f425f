import { documentHash, MappingDocument } from '../mapping.document.js';

/** A mapping document without the members that have their default values, as a person writes it. It means the same. */
export function tidyDocument(document: MappingDocument): unknown {
  const meaning = documentHash(document);
  const hasMeaning = (candidate: unknown): boolean => {
    const { success, data } = MappingDocument.safeParse(candidate);
    return success && documentHash(data) === meaning;
  };
  let tidy: unknown = document;
  for (const path of pathsIn(document, [])) {
    const candidate = without(tidy, path);
    if (hasMeaning(candidate)) tidy = candidate;
  }
  return tidy;
}

type Path = readonly (string | number)[];

/** The paths of all members, the outer members first. */
function pathsIn(node: unknown, path: Path): Path[] {
  if (typeof node !== 'object' || node === null) return [];
  const isList = Array.isArray(node);
  const paths: Path[] = [];
  for (const [member, value] of Object.entries<unknown>({ ...node })) {
    const here = [...path, isList ? Number(member) : member];
    if (!isList) paths.push(here);
    paths.push(...pathsIn(value, here));
  }
  return paths;
}

/** A copy of a document without the member at a path. A path that does not exist changes nothing. */
function without(node: unknown, [member, ...rest]: Path): unknown {
  if (Array.isArray(node))
    return node.map((item: unknown, at) => (at === member ? without(item, rest) : item));
  if (typeof node !== 'object' || node === null) return node;
  const members = Object.entries(node).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    if (name !== member) return [[name, value]];
    return rest.length === 0 ? [] : [[name, without(value, rest)]];
  });
  return Object.fromEntries(members);
}
