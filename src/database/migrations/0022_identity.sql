-- If a key was loaded from a file, only its public key is stored here. Every gateway can therefore verify signatures of this key.
alter table signing_keys alter column private_sealed drop not null;

-- Shown to people in the list of their own sign-ins.
alter table sessions add address text not null default '', add client text not null default '';
alter table token_families add address text not null default '', add client text not null default '';
create index token_families_account on token_families (account_id, created_at) where revoked_at is null;
