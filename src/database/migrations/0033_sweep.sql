-- Which file of the archive a row was made from: other content under the same identifiers is another file. Unknown until it is looked up.
alter table instances add column file_uuid text;

-- Where the walk through everything stands, and what it found on the way; `last` is what the one before came to.
create table sweep (
  sole boolean primary key default true check (sole),
  phase text not null default 'catalog' check (phase in ('catalog', 'archive', 'counts')),
  position bigint not null default 0,
  -- Catalog and archive are known to differ: it goes on without rests.
  hurried boolean not null default true,
  started_at timestamptz not null default clock_timestamp(),
  checked bigint not null default 0,
  adopted bigint not null default 0,
  removed bigint not null default 0,
  refreshed bigint not null default 0,
  repaired bigint not null default 0,
  last jsonb
);
insert into sweep default values;

-- The archive's list of one level, while it is compared: neither side is ever held in memory.
create unlogged table archive_listing (
  orthanc_id text primary key
);

alter table rebuilds add column refreshed integer not null default 0;
