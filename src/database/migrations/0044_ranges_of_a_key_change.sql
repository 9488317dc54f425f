-- A key that may be used from fewer addresses than before may have less: every gateway hears of it at once.
drop trigger tell_access_changed on api_keys;
create trigger tell_access_changed after update of expires_at, ranges or delete on api_keys
  for each statement execute function tell_access_changed();
