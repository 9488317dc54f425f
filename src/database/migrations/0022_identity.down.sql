drop index token_families_account;
alter table token_families drop address, drop client;
alter table sessions drop address, drop client;
-- The older gateway generates its own key.
delete from signing_keys where private_sealed is null;
alter table signing_keys alter column private_sealed set not null;
