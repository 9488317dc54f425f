import { useTranslation } from 'react-i18next';

/** Returns a function that says in plain words what a study is, for example "CT scan, Report". */
export function useKinds(): (study: { readonly modalities: readonly string[] }) => string {
  const { t, i18n } = useTranslation();
  return ({ modalities }) => {
    const kinds = modalities
      .filter((modality) => i18n.exists(`patient.kinds.${modality}`))
      .map((modality) => i18n.t(`patient.kinds.${modality}`, { defaultValue: modality }));
    return [...new Set(kinds)].join(', ') || t('patient.kind');
  };
}
