import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { SNOMED } from '../mapping/words/term.js';
import { BadField } from '../problems/errors.js';
import { shippedTarget } from './term.suggesters.js';
import type { DecidedTarget } from './term.target.js';
import { Terminology, type Verdict } from './terminology.service.js';

type Target = z.output<typeof DecidedTarget>;
type Coding = Extract<Target, { kind: 'condition' }>['coding'];

const REFUSALS: Partial<Record<Verdict['is'], string>> = {
  unknown: 'The terminology server does not know this code.',
  inactive: 'This concept is no longer in use.',
  'other-kind': 'This concept is no clinical finding, and nothing a patient has.',
};

/** What is decided, looked at once more: by the terminology server when there is one, and with the names that concepts really have. */
@Injectable()
export class TargetCheck {
  constructor(private readonly terminology: Terminology) {}

  /** The target as it is kept; `checked` when a server found every SNOMED CT code of it fit. BadField for a code that a server refuses. */
  async check(target: Target): Promise<{ target: Target; checked: boolean }> {
    if (target.kind === 'condition') {
      const { coding, checked } = await this.coding(target.coding, 'finding', 'coding.code');
      return { target: { ...target, coding }, checked };
    }
    const value: Coding[] = [];
    let checked = true;
    for (const [at, given] of target.value.entries()) {
      const one = await this.coding(given, 'any', `value.${at}.code`);
      value.push(one.coding);
      if (given.system === SNOMED) checked &&= one.checked;
    }
    return {
      target: { ...target, value },
      checked: checked && value.some(({ system }) => system === SNOMED),
    };
  }

  private async coding(
    given: Coding,
    kind: 'finding' | 'any',
    field: string,
  ): Promise<{ coding: Coding; checked: boolean }> {
    const { system, code } = given;
    if (system !== SNOMED) return { coding: given, checked: false };
    const verdict = await this.terminology.judge(code, kind);
    const refusal = verdict === undefined ? undefined : REFUSALS[verdict.is];
    if (refusal !== undefined) throw new BadField('unusable-concept', field, refusal);
    // The server's name of the concept, else the shipped one; the given one only where neither knows it: it may have been mistyped.
    const display = verdict?.display ?? shippedDisplay(code) ?? given.display;
    return {
      coding: { system, code, ...(display === undefined ? {} : { display }) },
      checked: verdict?.is === 'fit',
    };
  }
}

function shippedDisplay(code: string): string | undefined {
  const target = shippedTarget(code);
  return target?.kind === 'condition' ? target.coding.display : target?.value[0]?.display;
}
