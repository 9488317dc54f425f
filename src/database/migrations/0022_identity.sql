-- A key that was loaded from a file has only its public key here, so that every gateway can verify with it.
alter table signing_keys alter column private_sealed drop not null;

-- Shown to people in the list of their own sign-ins.
alter table sessions add address text not null default '', add client text not null default '';
alter table token_families add address text not null default '', add client text not null default '';
create index token_families_account on token_families (account_id, created_at) where revoked_at is null;
