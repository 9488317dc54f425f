/** The texts of members about uploads, with keys like those of `MEMBER_TEXTS`. */
export const UPLOAD_TEXTS: Readonly<Record<string, readonly [description: string, example?: unknown]>> = {
  upload_id: ['The id of the upload.', '0f2a3c8e-3f6e-4d1c-9a51-1f6f6f0a7f11'],
  uploaded_by: ['The account that uploaded the file.', 'kim.lee'],
  'uploads.status': ['What became of the file.', 'stored'],
  'uploads.items.status': ['What became of the file.', 'stored'],
  'uploads.reason': ['Why the file is not stored, in words. Null if it is stored.', 'The file ends early.'],
  'uploads.items.reason': [
    'Why the file is not stored, in words. Null if it is stored.',
    'The file ends early.',
  ],
  'uploads.kind': ['The kind of the file, by its content.', 'jpeg'],
  'uploads.items.kind': ['The kind of the file, by its content.', 'jpeg'],
  'uploads.file_name': ['The name of the uploaded file.', 'wound.jpg'],
  'uploads.items.file_name': ['The name of the uploaded file.', 'wound.jpg'],
  sop_instance_uid: ['The SOP Instance UID (0008,0018), or null.', '2.25.501'],
  sop_class_uid: ['The SOP Class UID (0008,0016), or null.', '1.2.840.10008.5.1.4.1.1.77.1.4'],
  transfer_syntax_uid: ['The transfer syntax in which the file was stored.', '1.2.840.10008.1.2.4.50'],
  original_kept: ['Whether the gateway keeps the file as it was sent.', false],
  deidentified: ['Whether the stored instance was de-identified.', false],
  log: ['The steps of the processing.'],
  'log.at': ['The time of the step.', '2026-11-30T09:15:04.120Z'],
  text: ['What was done, in words.', 'Stored the file as it is.'],
};
