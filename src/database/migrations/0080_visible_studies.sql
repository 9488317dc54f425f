-- The number of studies with instances is the sum of these changes. A list of all studies then needs no count. Each transaction adds rows
-- of its own, because a single row with the number would make all transactions wait for each other. src/sync/totals.service.ts replaces
-- many rows by their sum.
create table visible_study_changes (
  change bigint not null
);

create function note_visible_study() returns trigger language plpgsql as $$
begin
  insert into visible_study_changes values (case when tg_op = 'DELETE' or new.instance_count = 0 then -1 else 1 end);
  return null;
end $$;

create trigger note_visible_study_inserted after insert on studies
  for each row when (new.instance_count > 0) execute function note_visible_study();
create trigger note_visible_study_updated after update on studies
  for each row when ((old.instance_count > 0) <> (new.instance_count > 0)) execute function note_visible_study();
create trigger note_visible_study_deleted after delete on studies
  for each row when (old.instance_count > 0) execute function note_visible_study();

insert into visible_study_changes select count(*) from studies where instance_count > 0;
