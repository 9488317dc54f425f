import { z } from 'zod';

/** Studies that match must be kept for `years` after their date. A rule without `kind` matches every study. */
export interface RetentionRule {
  readonly kind: 'modality' | 'institution' | undefined;
  readonly value: string;
  readonly years: number;
}

const RULE = /^(?:(modality|institution)=(.{1,256}):)?\s*(\d{1,3})$/;
const Kind = z.enum(['modality', 'institution']).optional();

/**
 * The rules of `RETENTION_YEARS`: entries separated by semicolons. An entry is a number of years, or `modality=MG: 20`, or
 * `institution=Lakeside Clinic: 30`. The longest time of the matching rules applies.
 */
export const RetentionYears = z
  .string()
  .default('0')
  .transform((text, context): readonly RetentionRule[] =>
    text.split(';').flatMap((entry) => {
      const [, kind, value = '', years] = RULE.exec(entry.trim()) ?? [];
      if (years !== undefined) return [{ kind: Kind.parse(kind), value: value.trim(), years: Number(years) }];
      context.addIssue({ code: 'custom', message: 'needs entries such as 10; modality=MG: 20' });
      return [];
    }),
  );
