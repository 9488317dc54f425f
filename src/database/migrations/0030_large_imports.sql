-- A million rows in minutes: what is written for each row touches few indexes, and nothing is read again for each chunk.
-- Which rows ended how is counted in import_chunks; a state of its own index made every update write four of them.
-- For a row that was united with another one: that one.
alter table import_rows add column leader integer;
update import_rows set leader = placed.first
  from (select import_id, row, min(row) over (partition by import_id, patient) as first from import_rows where patient is not null) placed
  where import_rows.import_id = placed.import_id and import_rows.row = placed.row
    and import_rows.state = 'duplicate' and import_rows.issues @> '[{"code": "duplicate-merged"}]';
drop index import_rows_state;
drop index import_rows_patient;
create index import_rows_leader on import_rows (import_id, leader) where leader is not null;
-- Further identifiers of the row, as HMACs; none for most mappings.
alter table import_rows add column others text[];
-- The new state of a row finds room beside the old one.
alter table import_rows set (fillfactor = 50);

create index import_writes_row on import_writes (import_id, row);

-- Field by field, sealed: what would change, or changed, for the rows of one bundle. Of several that name a row the last holds.
create table import_changes (
  id bigint generated always as identity primary key,
  import_id uuid not null references imports on delete cascade,
  chunk integer not null,
  sealed bytea not null
);
create index import_changes_chunk on import_changes (import_id, chunk, id);
