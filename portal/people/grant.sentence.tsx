import type { paths } from 'interface';
import { Trans, useTranslation } from 'react-i18next';
import { useFormats } from '../frame/formats.ts';

export type Grant =
  paths['/api/groups/{group}/grants']['get']['responses'][200]['content']['application/json']['items'][number];

/** A grant as a sentence: what the group may do with which studies, and until when. */
export function GrantSentence({ grant }: { grant: Omit<Grant, 'id'> }) {
  const { t, i18n } = useTranslation();
  const formats = useFormats();
  const names = grant.rights.map((right) => t(`rights.${right}`));
  const rights = new Intl.ListFormat(i18n.language, { type: 'conjunction' }).format(names);
  const scope = scopeText(grant.scope);
  const end = grant.until === null ? '' : t('grants.until', { date: formats.moment(grant.until) });
  return (
    <span>
      <Trans
        i18nKey={`grants.sentences.${grant.scope.kind}`}
        values={{ rights, scope }}
        components={{ b: <strong /> }}
      />
      {end}
    </span>
  );
}

/** The value of a scope. It is empty for a scope without a value. */
function scopeText(scope: Grant['scope']): string {
  switch (scope.kind) {
    case 'study':
      return scope.study_uid;
    case 'patient':
      return `${scope.patient_id} (${scope.issuer})`;
    case 'institution':
      return scope.institution;
    case 'modality':
      return scope.modality;
    case 'all':
    case 'own-patient':
    case 'own-uploads':
      return '';
  }
}
