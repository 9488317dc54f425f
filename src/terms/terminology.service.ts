import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { FhirRefused } from '../fhir/fhir.errors.js';
import type { FoundConcept } from '../fhir/terminology.answers.js';
import { type SearchScope, TerminologyServer } from '../fhir/terminology.server.js';
import { WORDS } from '../mapping/words/concept.map.js';
import { isConceptId, looksLikeCode } from '../mapping/values/snomed.id.js';
import { SNOMED } from '../mapping/words/term.js';
import { foldTerm } from '../mapping/words/term.folding.js';
import { NeighbourAway } from '../problems/errors.js';
import { TerminologyCache } from './terminology.cache.js';

/** Clinical finding: what a Condition's code must be, or be below. */
const FINDING = '404684003';
/** All active findings, in the Expression Constraint Language (SNOMED CT's use with FHIR, "Implicit Value Sets"). */
const FINDINGS = `${SNOMED}?fhir_vs=ecl/<<${FINDING}`;
const ICD10 = 'http://hl7.org/fhir/sid/icd-10';
const ICD10_CODE = /^[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?$/u;
const MOST = 20;
const LONGEST_WORD = 100;
/** Long numbers are people's: of records, telephones, papers. */
const NUMBER_OF_A_PERSON = /\d(?:[\s.\-/()]*\d){4}|@/u;

const Found = z.array(
  z.object({
    system: z.string(),
    code: z.string(),
    display: z.string().optional(),
    terms: z.array(z.string()),
    exact: z.boolean(),
  }),
);
/** A concept that a server found for a word; `exact` when a map of the server translates just this word. */
export type TerminologyMatch = z.output<typeof Found>[number];

const Verdict = z.object({
  is: z.enum(['fit', 'unknown', 'inactive', 'other-kind', 'not-known-here']),
  display: z.string().optional(),
});
/**
 * What a server says of a SNOMED CT code: fit for use, unknown, inactive, of another kind than asked for; `not-known-here`: it has no SNOMED
 * CT, or cannot tell kinds.
 */
export type Verdict = z.output<typeof Verdict>;

/** How a terminology server took part: `withheld` when the word might say who somebody is. */
export const ServerPart = z.enum(['off', 'away', 'asked', 'withheld']);
export type ServerPart = z.output<typeof ServerPart>;

/** What a terminology server knows of words and codes. Nothing waits for it, nothing stops without it, and it decides nothing. */
@Injectable()
export class Terminology {
  constructor(
    private readonly server: TerminologyServer,
    private readonly cache: TerminologyCache,
  ) {}

  /** Concepts for a word: what a map of the server translates it to, then findings whose names match it. */
  async find(word: string, language: string): Promise<{ part: ServerPart; found: TerminologyMatch[] }> {
    const { identity } = this.server;
    if (identity === undefined) return { part: 'off', found: [] };
    if (!isForTelling(word)) return { part: 'withheld', found: [] };
    try {
      const question = [identity, 'find', language, word];
      const found = await this.cache.kept(question, Found, () => this.ask(word, language));
      return { part: 'asked', found };
    } catch (error) {
      if (!(error instanceof NeighbourAway)) throw error;
      return { part: 'away', found: [] };
    }
  }

  /** Whether a SNOMED CT code is active and, for a Condition, a finding; undefined when nobody can be asked. */
  async judge(code: string, kind: 'finding' | 'any'): Promise<Verdict | undefined> {
    const { identity } = this.server;
    if (identity === undefined) return undefined;
    try {
      const question = [identity, 'judge', kind, code];
      return await this.cache.kept(question, Verdict, () => this.examine(code, kind));
    } catch (error) {
      if (error instanceof NeighbourAway || error instanceof FhirRefused) return undefined;
      throw error;
    }
  }

  private async ask(word: string, language: string): Promise<z.input<typeof Found>> {
    const translated = await Promise.all([
      ...[...new Set([word.trim(), foldTerm(word)])].map((text) =>
        this.translate(`${WORDS}${language}`, text),
      ),
      ...(ICD10_CODE.test(word.trim()) ? [this.translate(ICD10, word.trim())] : []),
    ]);
    const named = looksLikeCode(word) ? [] : await this.findings(word, language);
    return [...translated.flat().map(exactly), ...named.map(perhaps)];
  }

  private translate(system: string, code: string): Promise<readonly FoundConcept[]> {
    return orNothing(this.server.translate(system, code, SNOMED), []);
  }

  /** By ECL where the server can; else below the concept, as any server with the hierarchy can. */
  private async findings(word: string, language: string): Promise<readonly FoundConcept[]> {
    const scopes: SearchScope[] = [{ url: FINDINGS }, { system: SNOMED, below: FINDING }];
    for (const one of scopes) {
      const found = await orNothing(this.server.find(one, word.trim(), language, MOST), undefined);
      if (found !== undefined) return found;
    }
    return [];
  }

  private async examine(code: string, kind: 'finding' | 'any'): Promise<Verdict> {
    const found = await this.server.lookup(SNOMED, code);
    // Unknown to a server that has SNOMED CT, or to one that has none of it?
    if (found === undefined) {
      const root = await this.server.lookup(SNOMED, FINDING);
      return { is: root === undefined ? 'not-known-here' : 'unknown' };
    }
    const display = found.display === undefined ? {} : { display: found.display };
    if (found.inactive) return { is: 'inactive', ...display };
    if (kind === 'any' || (await this.server.contains(FINDINGS, SNOMED, code)))
      return { is: 'fit', ...display };
    // A server that knows no ECL holds nothing in the set, not even its root.
    const understood = await this.server.contains(FINDINGS, SNOMED, FINDING);
    return { is: understood ? 'other-kind' : 'not-known-here', ...display };
  }
}

const exactly = ({ system, code, display, terms }: FoundConcept) => ({
  system,
  code,
  display,
  terms: [...terms],
  exact: true,
});
const perhaps = ({ system, code, display, terms }: FoundConcept) => ({
  system,
  code,
  display,
  terms: [...terms],
  exact: false,
});

/** Whether a word may be told to a server: short, and without what looks like somebody's number or address. */
function isForTelling(word: string): boolean {
  if (word.length > LONGEST_WORD) return false;
  const code = word.trim();
  return (looksLikeCode(code) && code.length < 10 && isConceptId(code)) || !NUMBER_OF_A_PERSON.test(word);
}

async function orNothing<T, Nothing>(asked: Promise<T>, nothing: Nothing): Promise<T | Nothing> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof FhirRefused) return nothing;
    throw error;
  }
}
