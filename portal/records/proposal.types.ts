import type { paths } from 'interface';

export type Proposal =
  paths['/api/imports/{id}/proposal']['get']['responses'][200]['content']['application/json'];
export type Question = Proposal['questions'][number];
/** The answer of a person to a list that needs a mapping. */
export type MappingChoice = NonNullable<
  paths['/api/imports/{id}/mapping']['post']['requestBody']
>['content']['application/json'];
export type NewMapping = NonNullable<MappingChoice['document']>;
