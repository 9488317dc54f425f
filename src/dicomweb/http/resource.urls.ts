import type { FoundInstance, ResourceUids } from '../../catalog/lookup.service.js';

/** The public URL of a study, series or instance. All URLs in bodies begin with PUBLIC_URL. */
export function resourceUrl(
  publicUrl: string,
  target: { study: string; series?: string | undefined; instance?: string | undefined } | ResourceUids,
): string {
  const series = target.series === undefined ? '' : `/series/${target.series}`;
  const instance = target.instance === undefined ? '' : `/instances/${target.instance}`;
  return `${publicUrl}/dicom-web/studies/${target.study}${series}${instance}`;
}

/** The public URL of an instance of this study. */
export function instanceUrl(publicUrl: string, study: string, { seriesUid, sopUid }: FoundInstance): string {
  return resourceUrl(publicUrl, { study, series: seriesUid, instance: sopUid });
}
