import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';
import type { Difference, ReviewedPerson } from './review.types.ts';
import css from './records.module.css';

/** The fact in which two people differ, by the name of the difference. */
const FACT_OF = {
  given_name: 'names',
  family_name: 'names',
  birth_date: 'birth_date',
  gender: 'gender',
} as const;
const GENDERS = ['male', 'female', 'other', 'unknown'] as const;

/** One of the people of a review: names, birth date, gender and identifiers. Facts that differ are marked, also in words. */
export function ReviewPerson({
  person,
  differences,
}: {
  person: ReviewedPerson;
  differences: readonly Difference[];
}) {
  const { t } = useTranslation();
  const formats = useFormats();
  const different = new Set<string>(differences.map((difference) => FACT_OF[difference]));
  const gender = GENDERS.find((one) => one === person.gender);
  const facts = [
    ['names', person.names.join(', ')],
    ['birth_date', formats.day(person.birth_date ?? '')],
    ['gender', gender === undefined ? (person.gender ?? '') : t(`reviews.genders.${gender}`)],
    ['identifiers', person.identifiers.map(({ value, system }) => `${value} (${system})`).join(', ')],
  ] as const;
  return (
    <dl className={css.person}>
      {facts
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name} data-differs={different.has(name)}>
            <dt>{t(`reviews.facts.${name}`)}</dt>
            <dd>
              {value}
              {different.has(name) && (
                <Text span size="sm" className="quiet">
                  {' '}
                  ({t('reviews.differs')})
                </Text>
              )}
            </dd>
          </div>
        ))}
    </dl>
  );
}
