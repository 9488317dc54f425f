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
  unknown: 'The terminology server does not know this code. Use a code of its SNOMED CT edition.',
  inactive: 'This concept is inactive. Use an active concept.',
  'other-kind': 'This concept is not a clinical finding. Use a descendant of 404684003 (Clinical finding).',
};

/**
 * Checks the target of a decision with the terminology server, if a server is configured. Also sets the official names of the concepts of
 * the target.
 */
@Injectable()
export class TargetCheck {
  constructor(private readonly terminology: Terminology) {}

  /**
   * Returns the target to store. `checked` is true when the target has a SNOMED CT code and the server accepted each of these codes. Throws
   * BadField for a code that the server rejects.
   */
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
    // The name in the request can be mistyped. It is used only when neither the server nor the shipped ConceptMap contains the concept.
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
