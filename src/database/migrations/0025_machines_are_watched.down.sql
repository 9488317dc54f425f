drop index instances_stored_by;
alter table accounts drop silent_after_minutes, drop silent_since;
-- An older gateway ignores the allowed addresses, and such a key would be valid everywhere.
delete from api_keys where ranges <> '{}';
alter table api_keys drop ranges;
