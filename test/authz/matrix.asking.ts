import { request } from 'undici';
import type { World } from '../support/world.ts';
import type { Credential } from './matrix.accounts.ts';
import { type Chain, chains, heldAt, isApart, type Level, type Thing } from './matrix.objects.ts';
import { type Principal, type PrincipalName, principals } from './matrix.people.ts';
import type { Row } from './matrix.table.ts';

/** One request of the matrix. */
export interface Cell {
  readonly row: Row;
  readonly credential: Credential;
  /** The object of the request. Undefined for a route without UIDs. */
  readonly thing: Thing | undefined;
}

/** The response. `headers` omits headers that are different in every response. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The objects for which the request of a row is sent. */
function thingsOf(row: Row): (Thing | undefined)[] {
  const level = levelOf(row);
  if (level === undefined) return [undefined];
  const things: Thing[] = [];
  for (const thing in chains) if (isThing(thing) && isApart(thing, level)) things.push(thing);
  return things;
}

function isThing(name: string): name is Thing {
  return name in chains;
}

/** The number of objects that a principal requests by a row, unless all cells are requested. */
const OBJECTS = 2;
/** The number of principals that a row without objects refuses, unless all cells are requested. */
const REFUSED = 5;

/**
 * The cells of a row. With `whole`, the cells are all combinations of credentials and objects. Otherwise each principal requests some
 * objects with some of its credentials. Both change from row to row, so that each principal requests each object at each level. A row
 * without objects is requested by each principal that it admits, and by some of the others, which also change from row to row.
 */
export function cellsOf(row: Row, at: number, credentials: readonly Credential[], whole: boolean): Cell[] {
  const things = thingsOf(row);
  if (whole) return credentials.flatMap((credential) => things.map((thing) => ({ row, credential, thing })));
  const names = [...new Set(credentials.map(({ principal }) => principal))];
  const refused = new Set(names.filter((name) => isRefused(row, name)));
  const asked = inTurn([...refused], at * REFUSED, REFUSED);
  return names.flatMap((name, index) => {
    if (levelOf(row) === undefined && refused.has(name) && !asked.has(name)) return [];
    const forms = credentials.filter(({ principal }) => principal === name);
    return Array.from({ length: Math.min(things.length, OBJECTS) }, (_, turn) => {
      const credential = forms[(at + turn) % forms.length];
      if (credential === undefined) throw new Error(`${name} has no credentials`);
      return { row, credential, thing: things[((at + index) * OBJECTS + turn) % things.length] };
    });
  });
}

/** Returns `count` of the names. With another `from`, it returns others. */
function inTurn(names: readonly PrincipalName[], from: number, count: number): Set<PrincipalName> {
  return new Set(names.filter((_, at) => (at + from) % names.length < count));
}

/** Whether the row refuses the principal whatever the object is. */
function isRefused({ opens }: Row, name: PrincipalName): boolean {
  const { known, may }: Principal = principals[name];
  if (opens === 'public') return false;
  return !known || (opens !== 'account' && !opens.some((right) => may[right] !== undefined));
}

/** The status that the table requires. */
export function expected({ row, credential, thing }: Cell): number {
  const { known, may }: Principal = principals[credential.principal];
  if (row.opens === 'public') return row.ok;
  if (!known) return 401;
  if (row.opens === 'account') return row.ok;
  const covered = row.opens.flatMap((right) => may[right] ?? []);
  if (!row.opens.some((right) => may[right] !== undefined)) return 403;
  const level = levelOf(row);
  if (thing === undefined || level === undefined) return row.ok;
  const held = heldAt(thing, level);
  return held !== undefined && covered.includes(held) ? row.ok : 404;
}

/** Whether the request would delete something. */
export function takesAway(cell: Cell): boolean {
  return expected(cell) === 204;
}

/** Sends the request. */
export async function ask(world: World, { row, credential, thing }: Cell): Promise<Answer> {
  const [method = '', path = ''] = row.route.split(' ', 2);
  const body = bodyOf(row, method);
  const answer = await request(`${world.gateway.url}${pathOf(row.path ?? path, thing)}`, {
    method,
    headers: { ...credential.headers(method), ...(body && { 'content-type': body.type }) },
    body: body?.text ?? null,
  });
  const { date: _, 'x-request-id': __, ...headers } = answer.headers;
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers, body: bytes.toString('latin1') };
}

function bodyOf({ ok, body }: Row, method: string): { type: string; text: string } | undefined {
  if (ok === 415 && body === undefined) return { type: 'text/csv', text: 'a,b' };
  if (method === 'GET' || method === 'DELETE') return undefined;
  return { type: 'application/json', text: JSON.stringify(body ?? {}) };
}

function levelOf({ route, path }: Row): Level | undefined {
  const text = path ?? route;
  if (text.includes(':instance')) return 'instance';
  if (text.includes(':series')) return 'series';
  return text.includes(':study') ? 'study' : undefined;
}

function pathOf(path: string, thing: Thing | undefined): string {
  const { study, series, instance }: Chain = chains[thing ?? 'unknown'];
  return path
    .replace(':study', study)
    .replace(':series', series)
    .replace(':instance', instance)
    .replace(':frames', '1')
    .replace('*', '7FE00010');
}
