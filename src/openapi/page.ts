import { createHash } from 'node:crypto';
import type { Operation } from './document.service.js';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1rem;color:#1c2733;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #c5ced8}
details{border:1px solid #c5ced8;border-radius:6px;margin:.4rem 0;padding:.4rem .7rem}summary{cursor:pointer}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;background:#f2f5f8;padding:.6rem;border-radius:6px}
b{display:inline-block;min-width:4.5rem}a{color:#0b5394}`;

/** The Content-Security-Policy of the page. It allows only the page's own style, and no scripts or other hosts. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * Returns an HTML page of all routes, without scripts. It has a heading for each part of the API and a collapsible block for each route.
 */
export function documentationPage(operations: readonly Operation[]): string {
  const parts = Map.groupBy(operations, ({ path }) =>
    path
      .split('/')
      .slice(1, path.startsWith('/api/') ? 3 : 2)
      .join('/'),
  );
  const sections = [...parts].map(([part, list]) => `<h2>/${text(part)}</h2>\n${list.map(fold).join('\n')}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Radgate API</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head>
<body><h1>Radgate API</h1>
<p>Generated from the code. Machine-readable: <a href="/api/openapi.json">openapi.json</a> (OpenAPI 3.1).
Errors are <code>application/problem+json</code> with a stable <code>code</code>; lists take <code>limit</code>, <code>offset</code>, <code>q</code> and <code>sort</code>.</p>
${sections.join('\n')}
</body></html>
`;
}

function fold({ method, path, summary, opens, json }: Operation): string {
  const { parameters, requestBody } = json;
  // The examples are in the document. The page would become too long with them.
  const more = JSON.stringify(
    { parameters, requestBody },
    (name, value: unknown) => (name === 'examples' ? undefined : value),
    2,
  );
  return `<details><summary><b>${method}</b> <code>${text(path)}</code></summary>
<p>${text(summary)}</p><p>Access: <code>${text(opens)}</code></p><pre>${text(more)}</pre></details>`;
}

function text(raw: string): string {
  return raw
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
