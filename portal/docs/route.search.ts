/** The parts of an OpenAPI document that the search reads. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RouteTexts>>>>;
}

interface RouteTexts {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly { readonly name?: string }[];
}

/**
 * Returns a function that says whether a route matches the words of a search. Each word must be a part of the method, the path, a parameter
 * or the texts of the route. Case is ignored.
 */
export function routeSearch({
  paths,
}: ApiDocument): (path: string, method: string, words: string) => boolean {
  const texts = new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary = '', description = '', parameters = [] }]) => [
        `${method} ${path}`,
        [method, path, summary, description, ...parameters.map(({ name = '' }) => name)]
          .join(' ')
          .toLowerCase(),
      ]),
    ),
  );
  return (path, method, words) => {
    const text = texts.get(`${method} ${path}`) ?? '';
    return words
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.includes(word));
  };
}

/** Returns the path, the method and the tag of each route. */
export function routesOf({ paths }: ApiDocument): (readonly [path: string, method: string, tag: string])[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { tags: [tag = 'default'] = [] }]) => [path, method, tag] as const),
  );
}
