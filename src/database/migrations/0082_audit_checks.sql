-- Checks of the seals of the audit, which people start. At most one waits or runs. A gateway that runs a check renews held_until. After a
-- crash, another gateway begins the check again.
create table audit_checks (
  id uuid primary key default gen_random_uuid(),
  state text not null default 'requested' check (state in ('requested', 'running', 'completed', 'failed')),
  requested_by text not null,
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  held_until timestamptz,
  tries integer not null default 0,
  rows bigint not null default 0,
  last_position bigint,
  last_hash text,
  last_at timestamptz,
  late text[] not null default '{}',
  fault text,
  unsealed text
);
create unique index audit_checks_open on audit_checks ((true)) where state in ('requested', 'running');
create index audit_checks_requested on audit_checks (requested_at);
