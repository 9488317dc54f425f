import type { paths } from 'interface';

export type Word =
  paths['/api/terms']['get']['responses'][200]['content']['application/json']['items'][number];
type Target = NonNullable<Word['target']>;
type Coding = {
  readonly system?: string | undefined;
  readonly code?: string | undefined;
  readonly display?: string | undefined;
};
export type Decision = NonNullable<
  paths['/api/terms/{id}/decide']['post']['requestBody']
>['content']['application/json'];

const SNOMED_CT = 'http://snomed.info/sct';

/** Returns a coding as text: its name and its code. */
function codingText({ code = '', display = '' }: Coding): string {
  return display === '' ? code : `${display} (${code})`;
}

/** Returns the concept of a word as text. */
export function targetText(target: Target): string {
  if (target.kind === 'condition') return codingText(target.coding);
  return `${codingText(target.code)}: ${target.value.map(codingText).join(', ')}`;
}

/** Returns the decision for a suggested concept, or `undefined` if the suggestion has no complete code. */
export function decisionOf(target: Target): Decision | undefined {
  if (target.kind === 'condition') {
    const coding = complete(target.coding);
    return coding && { kind: 'condition', coding };
  }
  const code = complete(target.code);
  const value = target.value.flatMap((one) => complete(one) ?? []);
  return code === undefined || value.length !== target.value.length || value.length === 0
    ? undefined
    : { kind: 'observation', code, value };
}

/** Returns the decision that a word is the disorder with this SNOMED CT code. */
export function disorder(code: string, display: string): Decision {
  return { kind: 'condition', coding: { system: SNOMED_CT, code, ...(display !== '' && { display }) } };
}

/** Returns the coding with its system and code, or `undefined` if one of them is missing. */
function complete({ system, code, display }: Coding) {
  if (system === undefined || code === undefined) return undefined;
  return { system, code, ...(display !== undefined && { display }) };
}
