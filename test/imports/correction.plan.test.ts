import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionIdentifier, resultIdentity } from '../../src/mapping/values/identity.js';
import { makeCondition, makeObservation } from '../../src/mapping/record.maker.js';
import { withdraw, WITHDRAWN_KEY_SYSTEM } from '../../src/mapping/withdrawn.record.js';
import {
  type FoundRecords,
  keyIn,
  lostWrites,
  type Move,
  planMoves,
  transactionOf,
} from '../../src/imports/writing/correction.plan.js';

const KEY = new Uint8Array(32).fill(7);
const RECORD_KEY = 'urn:radgate:record-key';
const SNOMED = 'http://snomed.info/sct';
type Stored = ReturnType<typeof stored>;

/** A record of a patient. A code that begins with `p` is a value of the one Observation of the patient. */
function recordOf(patient: string, code: string) {
  const subject = `Patient/${patient}`;
  if (code.startsWith('p'))
    return makeObservation({
      identifier: resultIdentity(KEY, { patient, code: 'status', time: '2026-01-01', value: code })
        .identifier,
      subject,
      category: 'social-history',
      effective: '2026-01-01',
      code: { coding: [{ system: 'http://loinc.org', code: 'status' }] },
      value: { valueCodeableConcept: { coding: [{ system: SNOMED, code }] } },
    });
  return makeCondition({
    identifier: conditionIdentifier(KEY, patient, code),
    subject,
    text: 'word',
    verification: 'unconfirmed',
    recordedDate: '2026-01-01',
    codings: [{ system: SNOMED, code }],
  });
}
const keyOf = (record: ReturnType<typeof recordOf>) => keyIn(RECORD_KEY, record) ?? '';
const stored = (patient: string, code: string, version = '1') => ({
  ...recordOf(patient, code),
  id: `${patient}-${code}`,
  meta: { versionId: version },
});
const foundOf = (valid: readonly Stored[], withdrawn: readonly Stored[] = []): FoundRecords => ({
  valid: new Map(valid.map((record) => [keyOf(record), record])),
  withdrawn,
});
function moveOf(id: number, patient: string, from: string | undefined, to: string | undefined): Move {
  const record = to === undefined ? undefined : recordOf(patient, to);
  return {
    use: {
      id,
      importId: 'i',
      row: id,
      chunk: 0,
      about: patient,
      sent: null,
      record: from === undefined ? '' : keyOf(recordOf(patient, from)),
    },
    uses: [],
    ...(record === undefined ? {} : { record }),
  };
}

const code = fc.constantFrom('a', 'b', 'p1', 'p2');
const optional = fc.option(code, { nil: undefined });

describe('the moves of a corrected decision', () => {
  it('of any kind end with the new record alone, and a second run finds nothing to do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(optional, optional), { minLength: 1, maxLength: 6 }), (kinds) => {
        const moves = kinds.map(([from, to], at) => moveOf(at, `patient${at}`, from, to));
        const old = kinds.flatMap(([from], at) => (from === undefined ? [] : [stored(`patient${at}`, from)]));
        const planned = planMoves(moves, foundOf(old), new Set());
        for (const [at, { old: gone, created }] of planned.entries()) {
          const [from, to] = kinds[at] ?? [];
          expect(gone?.id).toBe(from === undefined || from === to ? undefined : `patient${at}-${from}`);
          expect(created === undefined).toBe(to === undefined || from === to);
        }
        const after = kinds.flatMap(([, to], at) => (to === undefined ? [] : [stored(`patient${at}`, to)]));
        expect(transactionOf(planMoves(moves, foundOf(after), new Set())).entries).toEqual([]);
      }),
    );
  });

  it('keep a record that another word gives, or that a person withdrew', () => {
    const a = stored('x', 'a');
    const kept = planMoves([moveOf(1, 'x', 'a', 'b')], foundOf([a]), new Set([keyOf(a)]));
    expect(kept[0]).not.toHaveProperty('old');
    expect(kept[0]).toHaveProperty('created');
    const inError = { ...a, verificationStatus: { coding: [{ code: 'entered-in-error' }] } };
    expect(planMoves([moveOf(1, 'x', 'a', 'b')], foundOf([inError]), new Set())[0]).not.toHaveProperty('old');
  });

  it('of one record in several rows give one write', () => {
    const twice = [moveOf(1, 'x', 'a', 'b'), moveOf(2, 'x', 'a', 'b')];
    expect(transactionOf(planMoves(twice, foundOf([stored('x', 'a')]), new Set())).entries).toHaveLength(2);
  });

  it('whose response was lost are known by the versions of the records', () => {
    const move = moveOf(1, 'x', 'a', 'b');
    const gone = { ...withdraw(stored('x', 'a')), meta: { versionId: '4' } };
    const sent = { before: '3', creates: true, provenance: 'p' };
    expect(lostWrites(move, sent, foundOf([stored('x', 'b')], [gone]))).toEqual([
      { kind: 'Condition', id: 'x-a', before: '3', after: '4' },
      { kind: 'Condition', id: 'x-b', after: '1' },
    ]);
    expect(lostWrites(move, undefined, foundOf([stored('x', 'b')], [gone]))).toEqual([]);
    const other = { ...gone, meta: { versionId: '5' } };
    expect(lostWrites(move, sent, foundOf([stored('x', 'b', '2')], [other]))).toEqual([]);
  });
});

describe('a withdrawn record', () => {
  it('is entered-in-error, keeps its content, and is no longer found by its key', () => {
    const edited = { ...stored('x', 'a'), abatementDateTime: '2026-02-02', note: [{ text: 'note' }] };
    const gone = withdraw(edited);
    expect(gone).toMatchObject({ id: 'x-a', code: edited.code, note: edited.note, subject: edited.subject });
    expect(gone.resourceType === 'Condition' && gone.verificationStatus?.coding?.[0]?.code).toBe(
      'entered-in-error',
    );
    expect(gone).not.toHaveProperty('clinicalStatus');
    expect(gone).not.toHaveProperty('abatementDateTime');
    expect([keyIn(RECORD_KEY, gone), keyIn(WITHDRAWN_KEY_SYSTEM, gone)]).toEqual([undefined, keyOf(edited)]);
    expect(withdraw(stored('x', 'p1'))).toMatchObject({ status: 'entered-in-error' });
  });
});
