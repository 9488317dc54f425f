-- Keys from a file have their public half here only, so that every gateway knows it.
alter table signing_keys alter column private_sealed drop not null;

-- What a person sees of their own sign-ins.
alter table sessions add address text not null default '', add client text not null default '';
alter table token_families add address text not null default '', add client text not null default '';
create index token_families_account on token_families (account_id, created_at) where revoked_at is null;
