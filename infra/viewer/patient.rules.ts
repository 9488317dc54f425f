import type { RewriteRule } from './bundle.rewriter.ts';

/**
 * The viewer shows no priors. OHIF asks for them by PatientID alone, in every study mode, and two issuers may give one id to two people;
 * so its one function that does so answers with the studies that are open.
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
