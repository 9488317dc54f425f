import type { RewriteRule } from './bundle.rewriter.ts';

const DEFAULT_EXTENSIONS = /^89\.bundle\.[0-9a-f]+\.js$/;
const MAY_SAVE =
  '  const maySave = (0,react.useSyncExternalStore)(window.radgate.onRights, window.radgate.maySave);\n';

const rule = (find: string, replace: string, times = 1): RewriteRule => ({
  file: DEFAULT_EXTENSIONS,
  files: 1,
  times,
  find,
  replace,
});

/**
 * With these rules, OHIF offers to save only if the account may save (rights.js), reports refused uploads (saving.js), and lists only
 * stored series.
 */
export const SAVING: readonly RewriteRule[] = [
  // OHIF lists a new series before it stores the series. If the upload is refused, the series would remain in the list.
  rule(
    `        src/* .DicomMetadataStore.addInstances */.H8.addInstances(instances, true);
        for (const instance of instances) {
          await resolvedDataSource.store.dicom(instance, null, dicomDict);
        }
`,
    `        for (const instance of instances) {
          await resolvedDataSource.store.dicom(instance, null, dicomDict);
        }
        src/* .DicomMetadataStore.addInstances */.H8.addInstances(instances, true);
`,
  ),
  rule(
    'await wadoDicomWebClient.storeInstances(options);',
    'await window.radgate.save(() => wadoDicomWebClient.storeInstances(options));',
    2,
  ),
  // The measurements panel. Without the right to save, a report can only be downloaded.
  rule(
    `function StudyMeasurementsActions({
  items,
  StudyInstanceUID,
  measurementFilter,
  actions
}) {
`,
    `function StudyMeasurementsActions({
  items,
  StudyInstanceUID,
  measurementFilter,
  actions
}) {
${MAY_SAVE}`,
  ),
  rule("t('Create SR')", "maySave ? t('Create SR') : 'Download SR'"),
  // All measurements and segmentations are saved through this dialog.
  rule(
    `      id: 'report-dialog',
      title,
`,
    `      id: 'report-dialog',
      title: window.radgate.maySave() ? title : 'Download',
`,
  ),
  rule(
    `  onCancel,
  enableDownload = false
}) {
`,
    `  onCancel,
  enableDownload = false
}) {
${MAY_SAVE}`,
  ),
  rule(
    `/*#__PURE__*/react.createElement(ui_next_src/* .InputDialog.ActionsPrimary */.fa0.ActionsPrimary, {
    onClick: handleSave
  }, "Save")`,
    `maySave && /*#__PURE__*/react.createElement(ui_next_src/* .InputDialog.ActionsPrimary */.fa0.ActionsPrimary, {
    onClick: handleSave
  }, "Save")`,
  ),
];
