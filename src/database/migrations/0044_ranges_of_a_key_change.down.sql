drop trigger tell_access_changed on api_keys;
create trigger tell_access_changed after update of expires_at or delete on api_keys
  for each statement execute function tell_access_changed();
