-- The UUID of the file from which the row was made. Other content with the same identifiers is another file. Null until the gateway has
-- read the UUID.
alter table instances add column file_uuid text;

-- The position of the sweep and its counts. `last` contains the counts of the previous sweep.
create table sweep (
  sole boolean primary key default true check (sole),
  phase text not null default 'catalog' check (phase in ('catalog', 'archive', 'counts')),
  position bigint not null default 0,
  -- True if the catalog and the archive are known to differ. The sweep then runs without pauses.
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

-- The ids of one level that Orthanc lists, during a comparison. The comparison therefore needs no list in memory.
create unlogged table archive_listing (
  orthanc_id text primary key
);

alter table rebuilds add column refreshed integer not null default 0;
