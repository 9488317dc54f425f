import type { RewriteRule } from './bundle.rewriter.ts';

/**
 * The viewer does not show prior studies. OHIF searches for them by PatientID alone, but two issuers may give the same PatientID to two
 * people. Only one function of OHIF makes this search. The rewritten function returns only the open studies.
 */
export const ONE_PATIENT: readonly RewriteRule[] = [
  {
    file: /^89\.bundle\.[0-9a-f]+\.js$/,
    files: 1,
    times: 1,
    find: `  return dataSource.query.studies.search({
    patientId: mrn,
    disableWildcard: true
  });`,
    replace: '  return qidoForStudyUID;',
  },
];
