-- The identity of a person at the OpenID Connect provider, and the time of the newest information about the person's groups.
alter table accounts
  add external_issuer text,
  add external_subject text,
  add external_at timestamptz,
  add check ((external_issuer is null) = (external_subject is null));
create unique index accounts_external on accounts (external_issuer, external_subject);
-- True for a membership that the provider grants and revokes. All other memberships are managed in the gateway.
alter table memberships add external boolean not null default false;
