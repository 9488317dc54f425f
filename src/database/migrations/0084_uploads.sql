-- Files that people bring through /api/uploads. The UIDs of what is made from a file are derived from the account, the file and its target,
-- and are reserved by this row before the archive gets the instance. The same file for the same target therefore has one row.
create table uploads (
  id uuid primary key,
  account_id uuid references accounts on delete set null,
  account_name text not null,
  -- The person in whose list the upload is.
  listed_for uuid references accounts on delete set null,
  file_name text not null default '',
  kind text not null,
  bytes bigint not null check (bytes >= 0),
  sha256 bytea not null,
  -- SHA-256 of the account, the file and the target.
  sameness bytea not null unique,
  state text not null check (state in ('storing', 'stored', 'quarantined', 'failed')),
  reason text,
  issuer text not null default '',
  patient_id text not null default '',
  study_uid text not null default '',
  series_uid text not null default '',
  sop_uid text not null default '',
  sop_class_uid text not null default '',
  transfer_syntax text not null default '',
  -- The name of the encrypted original, as long as it is on disk.
  original text,
  log jsonb not null default '[]',
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index uploads_listed_for on uploads (listed_for, created_at desc, id);
create index uploads_storing on uploads (created_at) where state = 'storing';
