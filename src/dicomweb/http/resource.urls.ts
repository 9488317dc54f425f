import type { Target } from '../../catalog/lookup.service.js';

/** The public address of a study, series or instance: every URL in a body is under PUBLIC_URL. */
export function resourceUrl(
  publicUrl: string,
  target: { study: string; series?: string | undefined; instance?: string | undefined } | Target,
): string {
  const series = target.series === undefined ? '' : `/series/${target.series}`;
  const instance = target.instance === undefined ? '' : `/instances/${target.instance}`;
  return `${publicUrl}/dicom-web/studies/${target.study}${series}${instance}`;
}
