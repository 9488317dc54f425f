-- A change of the allowed addresses can reduce the access of an API key. Every gateway is notified immediately.
drop trigger tell_access_changed on api_keys;
create trigger tell_access_changed after update of expires_at, ranges or delete on api_keys
  for each statement execute function tell_access_changed();
