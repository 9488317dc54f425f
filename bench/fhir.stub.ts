// A FHIR server that stores nothing. The server runs in its own process: `node bench/fhir.stub.ts PORT`. The server answers searches with
// no results and transactions with "created", as fast as possible. GET /counts returns the number of created resources. GET /recorded
// returns the first bundles.
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

/** The maximum number of transactions to record. bench/imports.ts sends the recorded transactions to HAPI without the gateway. */
const RECORDED = 200;
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
  // Bundles with a Provenance contain a PUT request. Such bundles are not recorded, because bench/imports.ts sends no Provenance without
  // the gateway.
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

async function answer(request: IncomingMessage): Promise<string> {
  const path = (request.url ?? '').split('?')[0]?.replace(/\/$/u, '');
  if (path === '/counts') return JSON.stringify(Object.fromEntries(counts));
  if (path === '/recorded') return JSON.stringify(recorded);
  if (request.method === 'POST' && path === '/fhir') return created(await json(request));
  request.resume();
  if (path === '/fhir/metadata')
    return JSON.stringify({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
  return JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: 0, entry: [] });
}

createServer((request, response) => {
  answer(request).then(
    (body) => response.writeHead(200, FHIR).end(body),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(Number(process.argv[2]), '127.0.0.1');
