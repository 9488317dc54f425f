-- Instances that the archive has and the catalog does not show. They stay here until a person decides or the reason no longer exists.
create table quarantine (
  id uuid primary key default gen_random_uuid(),
  orthanc_study text not null,
  reason text not null check (reason in ('contradicts', 'altered', 'unusable', 'unreadable')),
  since timestamptz not null default clock_timestamp(),
  unique (orthanc_study, reason)
);

create table quarantined (
  orthanc_id text primary key,
  -- The reference has no cascade. Deleting a group therefore fails if an instance was added to it at the same time.
  quarantine uuid not null references quarantine,
  study_uid text not null default '',
  series_uid text not null default '',
  sop_uid text not null default '',
  patient_id text not null default '',
  issuer text not null default '',
  modality text not null default ''
);
create index quarantined_quarantine on quarantined (quarantine, orthanc_id);
