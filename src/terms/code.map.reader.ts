import { JSONParser } from '@streamparser/json';
import { z } from 'zod';
import { type CodeTarget, isIcdSystem, relationOf } from '../mapping/words/code.map.js';
import { SNOMED } from '../mapping/words/term.js';
import { icdCode } from '../mapping/values/icd.js';
import { isConceptId } from '../mapping/values/snomed.id.js';
import { BadField } from '../problems/errors.js';

/** A concept for an ICD-10 code of a system. */
export interface MappedCode {
  readonly system: string;
  readonly code: string;
  readonly target: string;
  readonly display?: string | undefined;
  readonly relation: CodeTarget['relation'];
}

const Text = z.string().max(1_000);
const Code = z.string().max(64);
const Element = z.object({
  code: Code,
  display: Text.optional(),
  target: z
    .array(
      z.object({
        code: Code.optional(),
        display: Text.optional(),
        equivalence: z.string().max(40),
        dependsOn: z.array(z.unknown()).optional(),
        product: z.array(z.unknown()).optional(),
      }),
    )
    .max(10_000)
    .default([]),
});
type Element = z.output<typeof Element>;

const PATHS = ['resourceType', 'url', 'version', 'group.*.source', 'group.*.target', 'group.*.element.*'];

/**
 * Reads a ConceptMap of FHIR R4 in parts, so that its size does not matter for the memory. The map leads from ICD-10 to SNOMED CT, or from
 * SNOMED CT to ICD-10 like the published map. Throws BadField for an invalid map.
 */
export class CodeMapReader {
  url = '';
  version = '';
  /** The number of targets that cannot be used. */
  leftOut = 0;
  private kind: unknown;
  private group = -1;
  private source = '';
  private target = '';
  private found: MappedCode[] = [];
  private fault: Error | undefined;
  private readonly parser = new JSONParser({
    paths: PATHS.map((path) => `$.${path}`),
    keepStack: false,
  });

  constructor() {
    this.parser.onValue = ({ value, key, stack }) => {
      // The stack has the root, and then a level for each member and each number of a list.
      const group = Number(stack[2]?.key ?? -1);
      this.read(
        value,
        stack.length === 1 ? String(key) : stack.length === 3 ? `group.${String(key)}` : 'element',
        group,
      );
    };
    this.parser.onError = (error) => {
      this.fault ??=
        error instanceof BadField
          ? error
          : new BadField('invalid-field', 'body', 'The body is not JSON. Send a ConceptMap of FHIR R4.');
    };
  }

  /** Reads the next part of the body. Returns the codes that the part completes. */
  write(part: Uint8Array): MappedCode[] {
    if (!this.parser.isEnded) this.parser.write(part);
    if (this.fault !== undefined) throw this.fault;
    const { found } = this;
    this.found = [];
    return found;
  }

  /** Checks the whole map after its last part. */
  end(): void {
    if (!this.parser.isEnded)
      throw new BadField('invalid-field', 'body', 'The body ends too early. Send the whole ConceptMap.');
    if (this.kind !== 'ConceptMap')
      throw new BadField('invalid-field', 'resourceType', 'The resource is not a ConceptMap.');
    if (this.url === '')
      throw new BadField(
        'invalid-field',
        'url',
        'The ConceptMap has no url. Give it one, because a map replaces the earlier map with the same url.',
      );
  }

  private read(value: unknown, name: string, group: number): void {
    if (group !== this.group) {
      this.group = group;
      this.source = '';
      this.target = '';
    }
    if (name === 'resourceType') this.kind = value;
    else if (name === 'url') this.url = textOf(value, 'url');
    else if (name === 'version') this.version = textOf(value, 'version');
    else if (name === 'group.source') this.source = textOf(value, 'group.source');
    else if (name === 'group.target') this.target = textOf(value, 'group.target');
    else this.readElement(value);
  }

  private readElement(value: unknown): void {
    const { source, target } = this;
    const isForward = isIcdSystem(source) && target === SNOMED;
    if (!isForward && !(source === SNOMED && isIcdSystem(target)))
      throw new BadField(
        'invalid-field',
        'group.source',
        'The group does not map ICD-10 to SNOMED CT or SNOMED CT to ICD-10. Write source and target before the elements.',
      );
    const parsed = Element.safeParse(value);
    if (!parsed.success)
      throw new BadField(
        'invalid-field',
        'group.element',
        'An element of the ConceptMap is invalid. Each element needs a code, and each target an equivalence of FHIR R4.',
      );
    for (const one of parsed.data.target) {
      const mapped = isForward ? forward(source, parsed.data, one) : inverse(target, parsed.data, one);
      if (mapped === undefined) this.leftOut += 1;
      else this.found.push(mapped);
    }
  }
}

type Target = Element['target'][number];

const forward = (system: string, element: Element, target: Target): MappedCode | undefined =>
  mappedCode(system, element.code, { code: target.code, display: target.display }, target, false);

const inverse = (system: string, element: Element, target: Target): MappedCode | undefined =>
  mappedCode(system, target.code, { code: element.code, display: element.display }, target, true);

/** The use of a target. A target that depends on other facts, or needs other codes beside it, is not used. */
function mappedCode(
  system: string,
  icd: string | undefined,
  concept: { readonly code: string | undefined; readonly display: string | undefined },
  { equivalence, dependsOn = [], product = [] }: Target,
  isInverse: boolean,
): MappedCode | undefined {
  const relation = relationOf(equivalence, isInverse);
  const code = icd === undefined ? undefined : icdCode(icd);
  if (relation === undefined || code === undefined || concept.code === undefined) return undefined;
  if (dependsOn.length > 0 || product.length > 0) return undefined;
  if (!isConceptId(concept.code))
    throw new BadField(
      'unusable-concept',
      'group.element',
      'A code of the ConceptMap is not a SNOMED CT concept identifier. Check the map.',
    );
  return { system, code, target: concept.code, display: concept.display, relation };
}

function textOf(value: unknown, field: string): string {
  const parsed = Text.safeParse(value);
  if (!parsed.success || parsed.data.includes('\0'))
    throw new BadField('invalid-field', field, 'This member of the ConceptMap is not a text.');
  return parsed.data;
}
