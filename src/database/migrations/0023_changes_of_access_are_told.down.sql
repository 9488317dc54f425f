drop trigger tell_access_changed on token_families;
drop trigger tell_access_changed on sessions;
drop trigger tell_access_changed on api_keys;
drop trigger tell_access_changed on grants;
drop trigger tell_access_changed on memberships;
drop trigger tell_access_changed on accounts;
drop function tell_access_changed;
