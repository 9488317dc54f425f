-- Cached responses of a terminology server about a word or a code. The key is a digest of the question.
create table terminology_answers (
  key bytea primary key,
  answer jsonb not null,
  expires_at timestamptz not null
);
create index terminology_answers_expiry on terminology_answers (expires_at);

-- Whether a terminology server has confirmed that the decided code is active and of the right kind.
alter table terms add column checked boolean not null default false;
