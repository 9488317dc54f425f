import type { z } from 'zod';
import { MappingDocument } from './mapping.document.js';
import { isLoinc, LOINC } from './values/loinc.js';
import { isConceptId } from './values/snomed.id.js';
import { isUcum } from './values/units.js';
import { SNOMED } from './words/term.js';

/** An absolute URI of a code system. A short name such as `loinc` is no URI. */
const SYSTEM = /^(?:https?:\/\/[^\s/]+\.\S+|urn:[a-z0-9][a-z0-9-]+:\S+)$/i;

type Path = readonly (string | number)[];
type Fault = readonly [path: Path, message: string];
interface Coding {
  readonly system: string;
  readonly code: string;
}
interface Measured {
  readonly ucum?: string | undefined;
  readonly possible?: readonly [number, number] | undefined;
  readonly usual?: readonly [number, number] | undefined;
}

/**
 * A new mapping document. Its code systems, LOINC and SNOMED CT codes, UCUM units and ranges are checked. Documents that earlier versions stored are not
 * checked again, because imports still use them.
 */
export const NewMappingDocument = MappingDocument.superRefine((document, context) => {
  for (const [path, message] of faultsOf(document))
    context.addIssue({ code: 'custom', path: [...path], message });
});

function faultsOf({ name, observations, words }: z.infer<typeof MappingDocument>): Fault[] {
  const rules = observations.flatMap((rule, at): Fault[] => {
    const path = ['observations', at];
    const code = rule.kind === 'results' ? [] : codingFaults(rule.code, [...path, 'code']);
    switch (rule.kind) {
      case 'quantity':
        return [...code, ...quantityFaults(rule.quantity, [...path, 'quantity'])];
      case 'components':
        return [
          ...code,
          ...rule.components.flatMap((part, number) =>
            measuredFaults(part.code, part.quantity, [...path, 'components', number], ['quantity']),
          ),
        ];
      case 'coded':
        return [
          ...code,
          ...Object.entries(rule.answers).flatMap(([answer, codings]) =>
            codings.flatMap((one, number) => codingFaults(one, [...path, 'answers', answer, number])),
          ),
        ];
      case 'results':
        return Object.entries(rule.tests).flatMap(([name, test]) =>
          measuredFaults(test.code, test, [...path, 'tests', name], []),
        );
      case 'text':
        return code;
    }
  });
  const lists = words.flatMap(({ codes }, at) =>
    codes === undefined ? [] : systemFaults(codes.system, ['words', at, 'codes', 'system']),
  );
  // In an upload, this name means that the columns of the file decide.
  const names: Fault[] = name === 'auto' ? [[['name'], 'The name auto is reserved. Use another name.']] : [];
  return [...names, ...rules, ...lists];
}

const systemFaults = (system: string, path: Path): Fault[] =>
  SYSTEM.test(system)
    ? []
    : [[path, 'The code system is not a URI. Use the URI of the system, for example http://loinc.org.']];

function codingFaults({ system, code }: Coding, path: Path): Fault[] {
  const faults = systemFaults(system, [...path, 'system']);
  if (system === SNOMED && !isConceptId(code))
    faults.push([[...path, 'code'], 'The code is not a SNOMED CT concept. Check its last digit.']);
  // The codes of LOINC answers begin with LA and are not checked.
  if (system !== LOINC || code.startsWith('LA') || isLoinc(code)) return faults;
  return [...faults, [[...path, 'code'], 'The code is not a LOINC code. Check the digit after the hyphen.']];
}

const measuredFaults = (coding: Coding, measured: Measured, path: Path, member: Path): Fault[] => [
  ...codingFaults(coding, [...path, 'code']),
  ...quantityFaults(measured, [...path, ...member]),
];

function quantityFaults({ ucum, possible, usual }: Measured, path: Path): Fault[] {
  const inverted = (['possible', 'usual'] as const).flatMap((name): Fault[] => {
    const [low, high] = (name === 'possible' ? possible : usual) ?? [0, 1];
    return low < high ? [] : [[[...path, name], 'The range is inverted. Write the lower limit first.']];
  });
  const isOutside =
    inverted.length === 0 &&
    possible !== undefined &&
    usual !== undefined &&
    (usual[0] < possible[0] || usual[1] > possible[1]);
  return [
    ...(ucum === undefined || isUcum(ucum)
      ? []
      : [
          [
            [...path, 'ucum'],
            'The unit is not a code of UCUM. Use for example mm[Hg], Cel, mg/dL or 10*3/uL.',
          ] as const,
        ]),
    ...inverted,
    ...(isOutside
      ? [[[...path, 'usual'], 'The usual range is not inside the possible range.'] as const]
      : []),
  ];
}
