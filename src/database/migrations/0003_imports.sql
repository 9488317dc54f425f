-- Mapping documents, imports, and the outcome of each imported row.
create table mappings (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  version integer not null check (version > 0),
  document jsonb not null,
  created_by uuid references accounts on delete set null,
  created_at timestamptz not null default now(),
  unique (name, version)
);

create table imports (
  id uuid primary key,
  account_id uuid references accounts on delete set null,
  account_name text not null,
  file_name text not null default '',
  sha256 bytea not null,
  bytes bigint not null,
  mapping uuid not null references mappings,
  mode text not null check (mode in ('commit', 'rehearse')),
  as_of date,
  encoding text,
  -- Two uploads with the same value are the same import. Null if the client has forced a new import.
  sameness bytea unique,
  idempotency_key text,
  status text not null check (status in
    ('inspecting', 'rehearsed', 'queued', 'running', 'completed', 'completed_with_errors', 'cancelled', 'failed', 'undone')),
  failure text,
  source jsonb,
  rows_total integer not null default 0,
  -- The number of the current run. A commit after a rehearsal and a retry each start a new run. A chunk with a lower `run_done` is not
  -- done.
  run integer not null default 0,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (account_id, idempotency_key)
);
create index imports_newest on imports (created_at desc, id);

-- The rows of the list, encrypted. Jobs contain only ids.
create table import_chunks (
  import_id uuid not null references imports on delete cascade,
  chunk integer not null,
  sealed bytea not null,
  run_done integer not null default 0,
  -- Rows whose Patient may have been sent to the FHIR server before the process stopped.
  creating integer[] not null default '{}',
  created integer not null default 0,
  updated integer not null default 0,
  unchanged integer not null default 0,
  rejected integer not null default 0,
  waiting integer not null default 0,
  duplicate integer not null default 0,
  reasons jsonb not null default '{}',
  primary key (import_id, chunk)
);

create table import_rows (
  import_id uuid not null references imports on delete cascade,
  row integer not null,
  chunk integer not null,
  state text not null check (state in
    ('pending', 'created', 'updated', 'unchanged', 'rejected', 'waiting', 'duplicate')),
  -- HMAC of the identifier of the row's patient.
  patient text,
  -- HMAC of the content of the row. Rows of one patient with equal content are duplicates.
  content text,
  issues jsonb not null default '[]',
  -- The changes of each field, encrypted. A rehearsal stores the changes that a commit would make.
  changes bytea,
  primary key (import_id, row)
);
create index import_rows_state on import_rows (import_id, state, row);
create index import_rows_patient on import_rows (import_id, patient, row) where patient is not null;
create index import_rows_chunk on import_rows (import_id, chunk);

-- The resources that an import wrote. An undo needs them.
create table import_writes (
  id bigint generated always as identity primary key,
  import_id uuid not null references imports on delete cascade,
  row integer not null,
  kind text not null,
  resource_id text not null,
  version_before text,
  version_after text not null,
  undone boolean
);
create index import_writes_import on import_writes (import_id, id);

create table import_events (
  id bigint generated always as identity primary key,
  import_id uuid not null references imports on delete cascade,
  at timestamptz not null default clock_timestamp(),
  data jsonb not null
);
create index import_events_import on import_events (import_id, id);

-- The inbox of words, and the decisions about their meaning. There is one row for each distinct word of a language.
create table terms (
  id uuid primary key default gen_random_uuid(),
  language text not null,
  folded text not null,
  word text not null,
  source_column text not null,
  state text not null check (state in ('unmapped', 'ambiguous', 'decided', 'ignored')),
  target jsonb,
  decided_by text,
  decided_at timestamptz,
  created_at timestamptz not null default now(),
  unique (language, folded),
  check ((state = 'decided') = (target is not null))
);
create index terms_state on terms (state, created_at);

-- The rows that wait for a decision about a word.
create table waiting_words (
  import_id uuid not null references imports on delete cascade,
  row integer not null,
  term uuid not null references terms on delete cascade,
  primary key (import_id, row, term)
);
create index waiting_words_term on waiting_words (term);
