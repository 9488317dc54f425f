-- What the archive holds and the catalog does not show, until somebody decides or the reason goes away.
create table quarantine (
  id uuid primary key default gen_random_uuid(),
  orthanc_study text not null,
  reason text not null check (reason in ('contradicts', 'altered', 'unusable', 'unreadable')),
  since timestamptz not null default clock_timestamp(),
  unique (orthanc_study, reason)
);

create table quarantined (
  orthanc_id text primary key,
  -- No cascade: what just got a newcomer cannot be taken for empty.
  quarantine uuid not null references quarantine,
  study_uid text not null default '',
  series_uid text not null default '',
  sop_uid text not null default '',
  patient_id text not null default '',
  issuer text not null default '',
  modality text not null default ''
);
create index quarantined_quarantine on quarantined (quarantine, orthanc_id);
