drop table import_changes;
drop index import_writes_row;
alter table import_rows reset (fillfactor);
drop index import_rows_leader;
alter table import_rows drop column others, drop column leader;
create index import_rows_patient on import_rows (import_id, patient, row) where patient is not null;
create index import_rows_state on import_rows (import_id, state, row);
