-- An undo is under way until it has ended: 'asked', or 'stuck' when its job failed too often and is tried again later.
alter table imports add column undoing text check (undoing in ('asked', 'stuck'));
update imports set undoing = 'asked' where status = 'undone' and finished_at is null;
create index imports_undoing on imports (id) where undoing is not null;

-- Whom a row is about on the FHIR server, and when that was concluded, in one order with what is written: another import's undo leaves
-- what a later row found. Rows of before say nothing.
alter table import_rows add column about text, add column decided bigint;
create index import_rows_about on import_rows (about) where about is not null;
