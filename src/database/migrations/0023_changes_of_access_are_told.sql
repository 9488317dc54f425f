-- Notifies every gateway immediately that the access of an account may be reduced. src/authz/running.requests.ts handles the notification.
create function tell_access_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('access_changed', '');
  return null;
end $$;

create trigger tell_access_changed after update of disabled, patient_issuer, patient_id or delete on accounts
  for each statement execute function tell_access_changed();
create trigger tell_access_changed after delete on memberships
  for each statement execute function tell_access_changed();
create trigger tell_access_changed after update or delete on grants
  for each statement execute function tell_access_changed();
create trigger tell_access_changed after update of expires_at or delete on api_keys
  for each statement execute function tell_access_changed();
create trigger tell_access_changed after delete on sessions
  for each statement execute function tell_access_changed();
create trigger tell_access_changed after update of revoked_at or delete on token_families
  for each statement execute function tell_access_changed();
