import { createHash } from 'node:crypto';
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { Inject, Injectable } from '@nestjs/common';
import { Client } from 'fhir-kit-client';
import type { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NeighbourAway } from '../problems/errors.js';
import { FhirBreaker } from './fhir.breaker.js';
import { FhirCalls } from './fhir.calls.js';
import { FhirRefused } from './fhir.errors.js';
import {
  codingsOf,
  ExpandedValueSet,
  flagOf,
  type FoundConcept,
  OutParameters,
  wordOf,
} from './terminology.answers.js';

/** Which concepts a search is among: a ValueSet that the server knows by its URL, or what is below a concept of a system. */
export type Among = { readonly url: string } | { readonly system: string; readonly below: string };

// A person waits for it, and it is asked again with the next word.
const SOON = { timeoutMs: 3_000, repeatable: false };
const REST_MS = 30_000;

/**
 * A terminology server (R4, "Terminology Service"): only codes and single words go there, in bodies and never in addresses. Every call
 * throws `NeighbourAway` when the server is away or none is configured, {@link FhirRefused} when it cannot do what is asked.
 */
@Injectable()
export class TerminologyServer {
  /** Which server it is, without saying where; undefined when none is configured. */
  readonly identity: string | undefined;
  private readonly calls: FhirCalls | undefined;

  constructor(@Inject(ENV) env: Pick<Env, 'TERMINOLOGY_URL' | 'TERMINOLOGY_TOKEN'>) {
    const { TERMINOLOGY_URL: baseUrl, TERMINOLOGY_TOKEN: bearerToken } = env;
    if (baseUrl === undefined) return;
    this.identity = createHash('sha256').update(baseUrl).digest('base64url');
    const client = new Client({ baseUrl, ...(bearerToken === undefined ? {} : { bearerToken }) });
    this.calls = new FhirCalls(client, new FhirBreaker(Date.now, REST_MS));
  }

  /** What a code of one system is in another one (`ConceptMap/$translate`): equivalents only, no wider or narrower concepts. */
  async translate(system: string, code: string, target: string): Promise<FoundConcept[]> {
    const answer = await this.operation(OutParameters, 'ConceptMap', 'translate', [
      { name: 'system', valueUri: system },
      { name: 'code', valueCode: code },
      { name: 'targetsystem', valueUri: target },
    ]);
    return codingsOf(answer).filter((found) => found.system === target);
  }

  /** A concept as its system knows it (`CodeSystem/$lookup`); undefined when the server knows no such code, or not the system. */
  async lookup(
    system: string,
    code: string,
  ): Promise<{ display: string | undefined; inactive: boolean } | undefined> {
    try {
      const answer = await this.operation(OutParameters, 'CodeSystem', 'lookup', [
        { name: 'system', valueUri: system },
        { name: 'code', valueCode: code },
        { name: 'property', valueCode: 'inactive' },
      ]);
      return { display: wordOf(answer, 'display'), inactive: flagOf(answer, 'inactive') };
    } catch (error) {
      if (error instanceof FhirRefused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Whether a ValueSet holds a code (`ValueSet/$validate-code`). False, too, when the server cannot make out the ValueSet. */
  async holds(valueSet: string, system: string, code: string): Promise<boolean> {
    const { parameter } = await this.operation(OutParameters, 'ValueSet', 'validate-code', [
      { name: 'url', valueUri: valueSet },
      { name: 'system', valueUri: system },
      { name: 'code', valueCode: code },
    ]);
    return parameter.some(({ name, valueBoolean }) => name === 'result' && valueBoolean);
  }

  /** Concepts whose names match a text (`ValueSet/$expand` with `filter`), as the server ranks them. */
  async find(among: Among, filter: string, language: string, count: number): Promise<FoundConcept[]> {
    const { expansion } = await this.operation(ExpandedValueSet, 'ValueSet', 'expand', [
      'url' in among ? { name: 'url', valueUri: among.url } : { name: 'valueSet', resource: belowOf(among) },
      { name: 'filter', valueString: filter },
      { name: 'count', valueInteger: count },
      { name: 'activeOnly', valueBoolean: true },
      { name: 'includeDesignations', valueBoolean: true },
      { name: 'displayLanguage', valueCode: language },
    ]);
    return expansion.contains
      .filter(({ inactive, abstract }) => !inactive && !abstract)
      .map(({ system, code, display, designation }) => ({
        system,
        code,
        display,
        terms: [display, ...designation.map(({ value }) => value)].filter((term) => term !== undefined),
      }));
  }

  /** What is no answer of its kind is refused in the call, where it becomes {@link FhirRefused}. */
  private operation<Shape extends z.ZodType>(
    shape: Shape,
    resourceType: string,
    name: string,
    parameter: ParametersParameter[],
  ): Promise<z.output<Shape>> {
    if (this.calls === undefined) return Promise.reject(new NeighbourAway('hapi'));
    const input: Parameters = { resourceType: 'Parameters', parameter };
    return this.calls.call(SOON, async (client, options) =>
      shape.parse(
        await client.operation({
          name,
          resourceType,
          method: 'POST',
          input: { ...input },
          options: { ...options },
        }),
      ),
    );
  }
}

function belowOf({ system, below }: Extract<Among, { system: string }>) {
  const filter = [{ property: 'concept', op: 'is-a' as const, value: below }];
  return {
    resourceType: 'ValueSet' as const,
    status: 'active' as const,
    compose: { include: [{ system, filter }] },
  };
}
