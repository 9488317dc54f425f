import type { paths } from 'interface';
import { bodyOf, gateway } from '../client/interface.client.ts';
import type { PageRequest } from '../frame/paged.table.tsx';

type Entries = paths['/api/audit']['get']['responses'][200]['content']['application/json'];

/** The conditions of a search in the audit. */
export type AuditFilters = Partial<
  Record<'account' | 'patient' | 'issuer' | 'study' | 'action' | 'from' | 'to', string>
>;

/** Whether an answer is a page of entries. The interface can also answer with other formats. */
function isPage(answer: unknown): answer is Entries {
  return typeof answer === 'object' && answer !== null && 'items' in answer && 'total' in answer;
}

/** Loads a page of the audit, the newest entry first. The filters may name patients, so they are never in the address of a page. */
export async function loadEntries(
  query: AuditFilters,
  { limit, offset, signal }: PageRequest,
): Promise<Entries> {
  const answer = await bodyOf(
    gateway.GET('/api/audit', { params: { query: { ...query, limit, offset } }, signal }),
  );
  return isPage(answer) ? answer : { items: [], total: 0 };
}
