-- The state of a running undo. 'asked': requested. 'stuck': the job failed too often and is tried again later. Null: no undo is running.
alter table imports add column undoing text check (undoing in ('asked', 'stuck'));
update imports set undoing = 'asked' where status = 'undone' and finished_at is null;
create index imports_undoing on imports (id) where undoing is not null;

-- `about` is the patient of the row on the FHIR server. `decided` orders the rows by the time at which the gateway found this patient, in
-- the same sequence as import_writes. An undo does not remove a patient that a later row of another import uses. Older rows have null.
alter table import_rows add column about text, add column decided bigint;
create index import_rows_about on import_rows (about) where about is not null;
