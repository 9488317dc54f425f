-- Where a key may be used from (CIDR); empty: anywhere.
alter table api_keys add ranges text[] not null default '{}';
-- After how many minutes without a new instance a sender counts as silent; since when somebody was told so.
alter table accounts
  add silent_after_minutes integer check (silent_after_minutes > 0),
  add silent_since timestamptz;
create index instances_stored_by on instances (stored_by, stored_at);
