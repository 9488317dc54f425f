import { Injectable } from '@nestjs/common';
import { SNOMED } from '../mapping/words/term.js';
import { BadField } from '../problems/errors.js';
import { kindFaultOf } from './target.kinds.js';
import { shippedTarget } from './term.suggesters.js';
import type { DecidedTarget } from './term.target.js';
import { Terminology, type Verdict } from './terminology.service.js';

type Coding = Extract<DecidedTarget, { kind: 'condition' }>['coding'];

const REFUSALS: Partial<Record<Verdict['is'], string>> = {
  unknown: 'The terminology server does not know this code. Use a code of its SNOMED CT edition.',
  inactive: 'This concept is inactive. Use an active concept.',
  'other-kind': 'This concept is not a clinical finding. Use a descendant of 404684003 (Clinical finding).',
};

/**
 * Checks the target of a decision, also with the terminology server if a server is configured. Also sets the official names of the concepts
 * of the target.
 */
@Injectable()
export class TargetCheck {
  constructor(private readonly terminology: Terminology) {}

  /**
   * Returns the target to store. `checked` is true when the target has a SNOMED CT code and the server accepted each of these codes. Throws
   * BadField for a code that the server rejects, and for a code that cannot be of the needed kind.
   */
  async check(given: DecidedTarget): Promise<{ target: DecidedTarget; checked: boolean }> {
    refuseOtherKind(given);
    const found = await this.named(given);
    // The name from the server can have a semantic tag that the request did not have.
    refuseOtherKind(found.target);
    return found;
  }

  private async named(target: DecidedTarget): Promise<{ target: DecidedTarget; checked: boolean }> {
    if (target.kind === 'condition') {
      const { coding, checked } = await this.coding(target.coding, 'finding', 'coding.code');
      return { target: { ...target, coding }, checked };
    }
    const code = await this.coding(target.code, 'any', 'code.code');
    const value: Coding[] = [];
    let checked = target.code.system !== SNOMED || code.checked;
    for (const [at, given] of target.value.entries()) {
      const one = await this.coding(given, 'any', `value.${at}.code`);
      value.push(one.coding);
      if (given.system === SNOMED) checked &&= one.checked;
    }
    return {
      target: { ...target, code: code.coding, value },
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

/** Throws BadField for a target with a code that cannot be of the needed kind. */
function refuseOtherKind(target: DecidedTarget): void {
  const fault = kindFaultOf(target);
  if (fault !== undefined) throw new BadField('unusable-concept', fault.field, fault.detail);
}

function shippedDisplay(code: string): string | undefined {
  const target = shippedTarget(code);
  return target?.kind === 'condition' ? target.coding.display : target?.value[0]?.display;
}
