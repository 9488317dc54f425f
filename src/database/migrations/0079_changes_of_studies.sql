-- Notifies every gateway of a change of a study, so that it reads the study again. src/database/changes.ts handles the notification.
-- PostgreSQL runs the commits of transactions that notify one after the other, each with its own flush to the disk. Transactions that only
-- add instances therefore do not notify: the gateway that ran the transaction notifies the others after the commit (study_grown).
create function tell_study_changed() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    perform pg_notify('study_replaced', old.study_uid);
  elsif new.revision <> old.revision and new.instance_count <= old.instance_count then
    perform pg_notify('study_replaced', new.study_uid);
  elsif new.instance_count = old.instance_count
    and (new.patient, new.institution, new.image_modalities, new.created_by)
      is distinct from (old.patient, old.institution, old.image_modalities, old.created_by) then
    perform pg_notify('study_grown', new.study_uid);
  end if;
  return null;
end $$;

create trigger tell_study_changed after update or delete on studies
  for each row execute function tell_study_changed();

-- A gateway remembers the grants of an account for some seconds. Therefore it is also notified of new grants.
create trigger tell_more_access after insert on memberships
  for each statement execute function tell_access_changed();
create trigger tell_more_access after insert on grants
  for each statement execute function tell_access_changed();
