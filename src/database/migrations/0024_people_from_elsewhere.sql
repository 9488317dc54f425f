-- People whom another service signs in (OpenID Connect): who they are there, and how new what we know of their groups is.
alter table accounts
  add external_issuer text,
  add external_subject text,
  add external_at timestamptz,
  add check ((external_issuer is null) = (external_subject is null));
create unique index accounts_external on accounts (external_issuer, external_subject);
-- Given by that service and taken by it; others are left to people.
alter table memberships add external boolean not null default false;
