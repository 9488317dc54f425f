import { createServer, type IncomingMessage } from 'node:http';
import { randomBytes } from 'node:crypto';
import { reserveAnyPort } from '../../infra/local/port.ts';
import type { TestHapi } from '../support/hapi.ts';
import { SNOMED } from './inbox.world.ts';

/** The received operation and its parameters. */
export type TerminologyRequest = { path: string; body: string; authorization: string | undefined };
export type Mood = 'well' | 'silent' | 'mad';
export type TerminologyProxy = {
  url: string;
  readonly asked: TerminologyRequest[];
  /** Sets the behaviour of the server: it returns HAPI's responses, no responses, or invalid responses. */
  be: (mood: Mood) => void;
  close: () => Promise<void>;
};

/** An inactive concept. HAPI does not report the inactive state if the code system is loaded as a fragment. Other servers report it. */
export const RETIRED = '155574008';
const retired = {
  resourceType: 'Parameters',
  parameter: [
    { name: 'display', valueString: 'Rheumatic fever' },
    {
      name: 'property',
      part: [
        { name: 'code', valueCode: 'inactive' },
        { name: 'value', valueBoolean: true },
      ],
    },
  ],
};
const FINDINGS = 'ecl/<<404684003';

/**
 * The real HAPI as a terminology server with some SNOMED CT concepts. Other tests use the same HAPI for validation. For them, HAPI must not
 * know these codes, and HAPI caches unknown codes for a long time. Therefore the concepts are loaded with a different system URL. This
 * proxy replaces the URL of SNOMED CT by that URL, and vice versa.
 */
export async function snomedIn(hapi: TestHapi): Promise<TerminologyProxy> {
  const own = `urn:test:sct:${randomBytes(6).toString('hex')}`;
  await load(hapi, own);
  const asked: TerminologyRequest[] = [];
  const waiting = new Set<() => void>();
  let mood: Mood = 'well';
  const server = createServer((incoming, outgoing) => {
    const answer = async () => {
      const body = await textOf(incoming);
      const { authorization } = incoming.headers;
      asked.push({ path: incoming.url ?? '', body, authorization });
      if (body.includes(RETIRED)) return void outgoing.end(JSON.stringify(retired));
      if (mood === 'mad') return void outgoing.end('{"resourceType":"Bundle","entry":7}');
      if (mood === 'silent') await new Promise<void>((resolve) => waiting.add(resolve));
      const told = await fetch(`${hapi.url}${incoming.url}`, {
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json' },
        body: body.replaceAll(SNOMED, own),
      });
      const text = await told.text();
      outgoing.writeHead(told.status, { 'content-type': 'application/fhir+json' });
      outgoing.end(text.replaceAll(own, SNOMED));
    };
    answer().catch(() => outgoing.destroy());
  });
  const port = await reserveAnyPort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    be: (wanted) => {
      mood = wanted;
      if (wanted !== 'silent') for (const resolve of waiting) resolve();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function load(hapi: TestHapi, system: string): Promise<void> {
  const post = (kind: string, body: object) =>
    hapi.json(`/${kind}`, { method: 'POST', body: { resourceType: kind, status: 'active', ...body } });
  const below = [
    { code: '4556007', display: 'Gastritis' },
    { code: '64572001', display: 'Disease' },
    { code: '22298006', display: 'Myocardial infarction' },
  ];
  const concept = [
    { code: '404684003', display: 'Clinical finding', concept: below },
    { code: '80146002', display: 'Excision of appendix' },
    { code: '77386006', display: 'Pregnant' },
  ];
  await post('CodeSystem', { url: system, content: 'fragment', hierarchyMeaning: 'is-a', concept });
  const filter = [{ property: 'concept', op: 'is-a', value: '404684003' }];
  await post('ValueSet', {
    url: `${system}?fhir_vs=${FINDINGS}`,
    compose: { include: [{ system, filter }] },
  });
  const element = [
    { code: 'empachose', target: [{ code: '4556007', display: 'Gastritis', equivalence: 'equivalent' }] },
    { code: 'entupimento', target: [{ code: '22298006', equivalence: 'wider' }] },
  ];
  const icd = [{ code: 'K29.7', target: [{ code: '4556007', equivalence: 'equal' }] }];
  await post('ConceptMap', {
    url: `${system}:map`,
    group: [
      { source: 'urn:radgate:words:pt', target: system, element },
      { source: 'http://hl7.org/fhir/sid/icd-10', target: system, element: icd },
    ],
  });
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) if (Buffer.isBuffer(part)) parts.push(part);
  return Buffer.concat(parts).toString();
}
