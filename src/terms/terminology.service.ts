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

/** The concept "Clinical finding". The code of a Condition must be this concept or one of its descendants. */
const FINDING = '404684003';
/** All active findings, as an ECL expression (SNOMED CT use with FHIR, "Implicit Value Sets"). */
const FINDINGS = `${SNOMED}?fhir_vs=ecl/<<${FINDING}`;
const ICD10 = 'http://hl7.org/fhir/sid/icd-10';
const ICD10_CODE = /^[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?$/u;
const MOST = 20;
const LONGEST_WORD = 100;
/** Five digits or an `@`. Such a text can be the record number, phone number or e-mail address of a person. */
const PERSONAL_DATA = /\d(?:[\s.\-/()]*\d){4}|@/u;

const Found = z.array(
  z.object({
    system: z.string(),
    code: z.string(),
    display: z.string().optional(),
    terms: z.array(z.string()),
    exact: z.boolean(),
  }),
);
/** A concept that a server found for a word. `exact` is true when a ConceptMap of the server translates this word to the concept. */
export type TerminologyMatch = z.output<typeof Found>[number];

const Verdict = z.object({
  is: z.enum(['fit', 'unknown', 'inactive', 'other-kind', 'not-known-here']),
  display: z.string().optional(),
});
/**
 * The verdict of a server about a SNOMED CT code: fit for use, unknown, inactive, or not a finding (`other-kind`). `not-known-here` means
 * that the server has no SNOMED CT, or that it cannot check whether a concept is a finding.
 */
export type Verdict = z.output<typeof Verdict>;

/**
 * How the terminology server was used: not configured (`off`), unreachable (`away`), or queried (`asked`). `withheld` means that the word
 * can contain personal data and was not sent.
 */
export const ServerUse = z.enum(['off', 'away', 'asked', 'withheld']);
export type ServerUse = z.output<typeof ServerUse>;

/** Queries a terminology server about words and codes. Imports do not need the server and do not wait for it. */
@Injectable()
export class Terminology {
  constructor(
    private readonly server: TerminologyServer,
    private readonly cache: TerminologyCache,
  ) {}

  /** Finds concepts for a word: first translations by ConceptMaps of the server, then findings with matching names. */
  async find(word: string, language: string): Promise<{ server: ServerUse; found: TerminologyMatch[] }> {
    const { identity } = this.server;
    if (identity === undefined) return { server: 'off', found: [] };
    if (!maySend(word)) return { server: 'withheld', found: [] };
    try {
      const question = [identity, 'find', language, word];
      const found = await this.cache.get(question, Found, () => this.ask(word, language));
      return { server: 'asked', found };
    } catch (error) {
      if (!(error instanceof NeighbourAway)) throw error;
      return { server: 'away', found: [] };
    }
  }

  /**
   * Checks whether a SNOMED CT code is active. If `kind` is `finding`, also checks whether the code is a finding. Returns undefined when no
   * server is configured or the server gives no answer.
   */
  async judge(code: string, kind: 'finding' | 'any'): Promise<Verdict | undefined> {
    const { identity } = this.server;
    if (identity === undefined) return undefined;
    try {
      const question = [identity, 'judge', kind, code];
      return await this.cache.get(question, Verdict, () => this.examine(code, kind));
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
    return [...translated.flat().map(exactMatch), ...named.map(nameMatch)];
  }

  private translate(system: string, code: string): Promise<readonly FoundConcept[]> {
    return unlessRefused(this.server.translate(system, code, SNOMED), []);
  }

  /** Searches findings by ECL. If the server does not support ECL, searches among the descendants of the concept instead. */
  private async findings(word: string, language: string): Promise<readonly FoundConcept[]> {
    const scopes: SearchScope[] = [{ url: FINDINGS }, { system: SNOMED, below: FINDING }];
    for (const one of scopes) {
      const found = await unlessRefused(this.server.find(one, word.trim(), language, MOST), undefined);
      if (found !== undefined) return found;
    }
    return [];
  }

  private async examine(code: string, kind: 'finding' | 'any'): Promise<Verdict> {
    const found = await this.server.lookup(SNOMED, code);
    // A server without SNOMED CT does not find any code. To detect such a server, look up a concept that every edition contains.
    if (found === undefined) {
      const root = await this.server.lookup(SNOMED, FINDING);
      return { is: root === undefined ? 'not-known-here' : 'unknown' };
    }
    const display = found.display === undefined ? {} : { display: found.display };
    if (found.inactive) return { is: 'inactive', ...display };
    if (kind === 'any' || (await this.server.contains(FINDINGS, SNOMED, code)))
      return { is: 'fit', ...display };
    // On a server without ECL, the value set is empty and does not even contain its root concept.
    const hasEcl = await this.server.contains(FINDINGS, SNOMED, FINDING);
    return { is: hasEcl ? 'other-kind' : 'not-known-here', ...display };
  }
}

const exactMatch = ({ system, code, display, terms }: FoundConcept) => ({
  system,
  code,
  display,
  terms: [...terms],
  exact: true,
});
const nameMatch = ({ system, code, display, terms }: FoundConcept) => ({
  system,
  code,
  display,
  terms: [...terms],
  exact: false,
});

/** Whether a word may be sent to a server: it is short and contains no personal number or e-mail address. */
function maySend(word: string): boolean {
  if (word.length > LONGEST_WORD) return false;
  const code = word.trim();
  return (looksLikeCode(code) && code.length < 10 && isConceptId(code)) || !PERSONAL_DATA.test(word);
}

async function unlessRefused<T, Fallback>(call: Promise<T>, fallback: Fallback): Promise<T | Fallback> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof FhirRefused) return fallback;
    throw error;
  }
}
