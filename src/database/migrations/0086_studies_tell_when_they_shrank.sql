-- The last time at which a study lost or replaced an instance. A gateway that was not notified of the change deletes the files of its cache
-- that are older (src/cache/outdated.files.ts).
alter table studies add column shrunk_at timestamptz;

create function note_study_shrank() returns trigger language plpgsql as $$
begin
  new.shrunk_at := clock_timestamp();
  return new;
end $$;

create trigger note_study_shrank before update on studies
  for each row when (new.revision <> old.revision and new.instance_count <= old.instance_count)
  execute function note_study_shrank();
