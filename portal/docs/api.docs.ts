import 'swagger-ui-dist/swagger-ui.css';
import './api.docs.css';
import SwaggerUI, { type Tags } from 'swagger-ui-dist/swagger-ui-es-bundle.js';
import { csrfToken } from '../csrf.token.ts';
import { inWordsOf30 } from './document.version.ts';
import { type ApiDocument, routeSearch, routesOf } from './route.search.ts';

/** A search with at most this many results opens the parts that contain them. */
const OPENED = 40;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

async function json<T>(path: string): Promise<T | undefined> {
  const answer = await fetch(path, { headers: { accept: 'application/json' } });
  return answer.ok ? answer.json() : undefined;
}

function element(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`The page has no element ${selector}.`);
  return found;
}

/** Draws the document. The requests of "Try it out" go to the origin of the page with its session, and have the rights of the account. */
function draw(api: ApiDocument): void {
  const matches = routeSearch(api);
  const opsFilter = (tags: Tags, words: string) =>
    tags
      .map((tag) =>
        tag.set(
          'operations',
          tag.get('operations').filter((route) => matches(route.get('path'), route.get('method'), words)),
        ),
      )
      .filter((tag) => tag.get('operations').size > 0);
  const { layoutActions } = SwaggerUI({
    domNode: element('#docs'),
    // The policy of the page permits requests to its own origin only.
    spec: { ...api, paths: inWordsOf30(api.paths), openapi: '3.0.3', servers: [{ url: location.origin }] },
    // Links inside the buttons of the routes would not be accessible.
    deepLinking: false,
    docExpansion: 'none',
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    filter: false,
    persistAuthorization: false,
    syntaxHighlight: false,
    validatorUrl: null,
    plugins: [{ fn: { opsFilter } }],
    requestInterceptor: (request) => {
      if (!SAFE.has(request.method ?? 'GET')) request.headers['X-CSRF-Token'] = csrfToken(document.cookie);
      return request;
    },
  });
  element('#search').addEventListener('input', ({ currentTarget }) => {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    const words = currentTarget.value.trim();
    layoutActions.updateFilter(words || true);
    const found = words === '' ? [] : routesOf(api).filter(([path, method]) => matches(path, method, words));
    // Drawing all routes at once takes seconds.
    if (found.length <= OPENED)
      for (const [, , tag] of found) layoutActions.show(['operations-tag', tag], true);
  });
}

// Swagger UI gives its text areas no label, and long examples cannot be scrolled by the keyboard.
new MutationObserver(() => {
  for (const area of document.querySelectorAll('textarea:not([aria-label])'))
    area.setAttribute('aria-label', 'Request body');
  for (const example of document.querySelectorAll('pre:not([tabindex])'))
    example.setAttribute('tabindex', '0');
}).observe(element('#docs'), { childList: true, subtree: true });

const [api, me] = await Promise.all([
  json<ApiDocument>('/api/openapi.json'),
  csrfToken(document.cookie) === '' ? undefined : json<{ account: { name: string } }>('/api/me'),
]);
element('#who').textContent =
  me === undefined
    ? 'Not signed in: requests have no session.'
    : `Requests have the rights of ${me.account.name}.`;
element('#sign-in').hidden = me !== undefined;
if (api === undefined) element('#docs').textContent = 'The gateway does not answer. Reload the page.';
else draw(api);
