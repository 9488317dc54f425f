-- Rows whose identifier belongs to a patient with another birth date, gender or given name. Such a row waits until a person decides whether
-- both are the same person. A decision stays valid when the list is sent again.
create table import_reviews (
  id uuid primary key default gen_random_uuid(),
  -- HMAC of the identifiers and facts of the row. A row of another file with the same facts has the same value.
  person text not null,
  -- HMAC of the shared identifiers and of the facts of both patients, in either order.
  pair text not null,
  -- HMACs of the shared identifiers. A patient that was decided to be new is written without them.
  disputed text[] not null,
  differences text[] not null,
  -- The facts of both patients, encrypted. Null after the rows were deleted because of their age.
  sides bytea,
  decision text check (decision in ('same', 'new', 'reject')),
  -- True while the writes of an undone decision are being undone.
  undoing boolean not null default false,
  -- The position in import_writes at the time of the decision. An undo of the decision undoes the later writes of its rows.
  since bigint,
  decided_by text,
  decided_at timestamptz,
  created_at timestamptz not null default now(),
  unique (person, pair),
  check (not undoing or decision is null)
);
create index import_reviews_pair on import_reviews (pair);
create index import_reviews_newest on import_reviews (created_at desc, id);
create index import_reviews_decided on import_reviews (decision, person) where decision is not null;

-- The rows that wait for a review, or that were written or rejected because of its decision. A row has at most one review.
create table import_review_rows (
  import_id uuid not null references imports on delete cascade,
  row integer not null,
  review uuid not null references import_reviews on delete cascade,
  other_row integer,
  primary key (import_id, row)
);
create index import_review_rows_review on import_review_rows (review);

-- The value of import_reviews.person for the row. Rows of earlier versions have null, and are not compared inside their file.
alter table import_rows add column person text;
