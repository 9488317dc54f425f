-- An uploaded DICOM file that belongs to another patient than its uploader says waits for a decision.
alter table quarantine drop constraint quarantine_reason_check;
alter table quarantine add constraint quarantine_reason_check
  check (reason in ('contradicts', 'altered', 'unusable', 'unreadable', 'other-patient'));
