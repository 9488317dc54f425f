// A FHIR server that stores nothing. The server runs in its own process: `node bench/fhir.stub.ts PORT`. The server answers searches with
// no results and transactions with "created", as fast as possible. GET /counts returns the number of created resources. GET /recorded
// returns the first bundles.
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

/** The maximum number of transactions to record. bench/imports.ts sends the recorded transactions to HAPI without the gateway. */
const RECORDED = 200;
/** The path of a direct write: the DocumentReference and the Provenance of a chunk. */
const DIRECT = /^\/fhir\/(DocumentReference|Provenance)(?:\/([^/]+))?$/u;
const FHIR = { 'content-type': 'application/fhir+json' };
const Transaction = z.object({
  entry: z.array(
    z.looseObject({
      request: z.looseObject({ method: z.string() }),
      resource: z.looseObject({ resourceType: z.string() }),
    }),
  ),
});

const counts = new Map<string, number>();
const recorded: unknown[] = [];
let next = 0;

function created(body: unknown): string {
  const { entry } = Transaction.parse(body);
  // Bundles with updates are not recorded, because bench/imports.ts sends the recorded bundles to an empty server.
  if (recorded.length < RECORDED && entry.every(({ request }) => request.method === 'POST'))
    recorded.push(body);
  const answers = entry.map(({ resource: { resourceType, id } }) => {
    counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
    next += 1;
    const location = `${resourceType}/${typeof id === 'string' ? id : next}/_history/1`;
    return { response: { status: '201 Created', location, etag: 'W/"1"' } };
  });
  return JSON.stringify({ resourceType: 'Bundle', type: 'transaction-response', entry: answers });
}

/** The path of a request, without the query. */
const pathOf = ({ url = '' }: IncomingMessage) => url.split('?')[0]?.replace(/\/$/u, '') ?? '';

/** The version that a direct write gave. Undefined for other requests. */
function writtenBy(request: IncomingMessage): string | undefined {
  const [, kind, id] = DIRECT.exec(pathOf(request)) ?? [];
  if (kind === undefined || (request.method !== 'PUT' && request.method !== 'POST')) return undefined;
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  next += 1;
  return `${kind}/${id ?? next}/_history/1`;
}

async function answer(request: IncomingMessage): Promise<string> {
  const path = pathOf(request);
  if (path === '/counts') return JSON.stringify(Object.fromEntries(counts));
  if (path === '/recorded') return JSON.stringify(recorded);
  if (request.method === 'POST' && path === '/fhir') return created(await json(request));
  request.resume();
  if (path === '/fhir/metadata')
    return JSON.stringify({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
  return JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: 0, entry: [] });
}

createServer((request, response) => {
  const location = writtenBy(request);
  if (location !== undefined) {
    request.resume().once('end', () => response.writeHead(201, { ...FHIR, location }).end());
    return;
  }
  answer(request).then(
    (body) => response.writeHead(200, FHIR).end(body),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(Number(process.argv[2]), '127.0.0.1');
