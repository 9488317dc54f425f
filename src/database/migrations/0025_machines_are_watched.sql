-- The addresses (CIDR) from which a key may be used. An empty array allows every address.
alter table api_keys add ranges text[] not null default '{}';
-- silent_after_minutes: a sender counts as silent after this time without a new instance. silent_since: when the gateway reported the
-- sender as silent.
alter table accounts
  add silent_after_minutes integer check (silent_after_minutes > 0),
  add silent_since timestamptz;
create index instances_stored_by on instances (stored_by, stored_at);
