-- The words from which an import made each Condition and Observation. A corrected decision moves exactly these resources.
create table word_uses (
  id bigint generated always as identity primary key,
  import_id uuid not null references imports on delete cascade,
  row integer not null,
  -- The value of the record key (an HMAC) of the Condition or Observation. Empty if the word was ignored.
  record text not null,
  kind text not null check (kind in ('', 'Condition', 'Observation')),
  -- Null if the shipped ConceptMap contains the word. Such a use keeps a resource that a corrected word has also given.
  term uuid references terms on delete cascade,
  -- The revision of the decision that gave the record. A use with an older revision than the term must be corrected.
  revision integer not null default 0,
  -- What a correction sent for this use. It is set before the transaction is sent and needed after a crash.
  sent jsonb
);
create unique index word_uses_once on word_uses (import_id, row, record, coalesce(term, '00000000-0000-0000-0000-000000000000'));
create index word_uses_term on word_uses (term, id) where term is not null;
create index word_uses_record on word_uses (record) where record <> '';

-- `revision` counts the changes of the meaning. `reason` is the text that the person gave for the last change.
alter table terms add column revision integer not null default 0, add column reason text,
  add column decided_account uuid references accounts on delete set null;
