/** The groups of routes whose time to the first byte is measured together, each with its route patterns. */
const GROUPS: readonly (readonly [group: string, pattern: RegExp])[] = [
  ['rendered', /\/(rendered|thumbnail)$/],
  ['frames', /\/frames\/:frames$/],
  ['metadata', /\/metadata$/],
  ['bulk', /\/bulk\/\*$/],
  ['search', /^\/dicom-web\/(.*\/)?(studies|series|instances)$/],
  ['files', /^\/(dicom-web\/studies\/|wado)/],
  ['api', /^\/api\//],
];

/** The group of a route pattern. `store` is a POST to DICOMweb. */
export function routeGroup(method: string, pattern: string): string {
  if (method === 'POST' && pattern.startsWith('/dicom-web/')) return 'store';
  return GROUPS.find(([, one]) => one.test(pattern))?.[0] ?? 'other';
}
