-- Requested comparisons of the whole catalog with the whole archive.
create table rebuilds (
  id uuid primary key default gen_random_uuid(),
  state text not null default 'requested' check (state in ('requested', 'running', 'completed')),
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  archived integer not null default 0,
  checked integer not null default 0,
  adopted integer not null default 0,
  removed integer not null default 0,
  repaired integer not null default 0
);
-- Only one rebuild can be open. A second request returns the open rebuild.
create unique index rebuilds_open on rebuilds ((true)) where state <> 'completed';
