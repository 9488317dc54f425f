import type { RewriteRule } from './bundle.rewriter.ts';

/**
 * The viewer shows no priors. OHIF searches them by PatientID alone, in every study mode, but two issuers may give the same PatientID to two
 * people. The only function that searches them therefore returns the open studies.
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
