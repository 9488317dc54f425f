drop index instances_stored_by;
alter table accounts drop silent_after_minutes, drop silent_since;
-- A key that was good in some places only would be good everywhere.
delete from api_keys where ranges <> '{}';
alter table api_keys drop ranges;
