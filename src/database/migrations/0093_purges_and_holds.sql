-- Purges: rejected instances are really removed from the archive. A decision is committed before the archive changes.
alter table rejections
  add column purge_requested_by uuid references accounts on delete set null,
  add column purge_requested_at timestamptz,
  -- When the purge was decided. From then on, the gateways remove the instances, and nobody can restore them.
  add column purging_at timestamptz;
create index rejections_purging on rejections (purging_at) where purging_at is not null and restored_at is null;

-- Legal holds. Nothing of a held study or patient is purged.
create table holds (
  id uuid primary key default gen_random_uuid(),
  study_uid text,
  issuer text,
  patient_id text,
  reason text not null,
  account_id uuid references accounts on delete set null,
  created_at timestamptz not null default clock_timestamp(),
  released_by uuid references accounts on delete set null,
  released_at timestamptz,
  check ((study_uid is null) = (patient_id is not null)),
  check ((issuer is null) = (patient_id is null))
);
create index holds_study on holds (study_uid) where released_at is null;
create index holds_patient on holds (issuer, patient_id) where released_at is null;
