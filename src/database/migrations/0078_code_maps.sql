-- ConceptMaps from ICD-10 to SNOMED CT that an operator has loaded. Radgate ships none, because the published maps need a license.
create table code_maps (
  id uuid primary key default gen_random_uuid(),
  url text not null,
  version text not null,
  -- Null while the map is being loaded. A load that ended early stays null and is deleted by the next load.
  active_since timestamptz,
  -- The number of ICD-10 codes, the number of codes with one best concept, and the number of targets that cannot be used.
  codes integer not null default 0,
  usable integer not null default 0,
  left_out integer not null default 0,
  loaded_by text not null,
  created_at timestamptz not null default now()
);
-- A map replaces the earlier version with the same URL.
create unique index code_maps_active on code_maps (url) where active_since is not null;

create table code_map_targets (
  map uuid not null references code_maps on delete cascade,
  system text not null,
  -- The ICD-10 code with its dot, for example E11.9.
  code text not null,
  target text not null,
  display text,
  relation text not null check (relation in ('same', 'wider')),
  primary key (code, system, map, target)
);
-- A map is deleted by its id.
create index code_map_targets_map on code_map_targets (map);
