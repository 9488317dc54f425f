-- The catalog compared with the archive from end to end because somebody asked for it.
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
-- One at a time: asking again while one is under way gives the same.
create unique index rebuilds_open on rebuilds ((true)) where state <> 'completed';
