-- People and machine accounts, their groups, and the rights of these groups.
create table accounts (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('person', 'machine')),
  name text not null,
  display_name text not null default '',
  password_hash text,
  disabled boolean not null default false,
  patient_issuer text,
  patient_id text,
  institution text,
  issuer text,
  created_at timestamptz not null default now(),
  check ((patient_issuer is null) = (patient_id is null))
);
create unique index accounts_name on accounts (kind, lower(name));

create table groups (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  description text not null default '',
  created_at timestamptz not null default now()
);
create unique index groups_name on groups (lower(name));

create table memberships (
  group_id uuid not null references groups on delete cascade,
  account_id uuid not null references accounts on delete cascade,
  primary key (group_id, account_id)
);
create index memberships_account on memberships (account_id);

create table grants (
  id uuid primary key default gen_random_uuid(),
  group_id uuid not null references groups on delete cascade,
  rights text[] not null check (cardinality(rights) > 0),
  scope_kind text not null
    check (scope_kind in ('all', 'study', 'patient', 'institution', 'modality', 'own-patient', 'own-uploads')),
  study_uid text,
  issuer text,
  patient_id text,
  institution text,
  modality text,
  until timestamptz,
  created_at timestamptz not null default now(),
  check ((scope_kind = 'study') = (study_uid is not null)),
  check ((scope_kind = 'patient') = (issuer is not null and patient_id is not null)),
  check ((scope_kind = 'institution') = (institution is not null)),
  check ((scope_kind = 'modality') = (modality is not null))
);
create index grants_group on grants (group_id);

create table api_keys (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references accounts on delete cascade,
  name text not null default '',
  key_hash bytea not null unique,
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index api_keys_account on api_keys (account_id);

create table sessions (
  id uuid primary key default gen_random_uuid(),
  token_hash bytea not null unique,
  account_id uuid not null references accounts on delete cascade,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);
create index sessions_account on sessions (account_id);

create table refresh_tokens (
  token_hash bytea primary key,
  family uuid not null,
  account_id uuid not null references accounts on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index refresh_tokens_family on refresh_tokens (family);
create index refresh_tokens_account on refresh_tokens (account_id);

create table token_families (
  id uuid primary key,
  account_id uuid not null references accounts on delete cascade,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
alter table refresh_tokens add foreign key (family) references token_families on delete cascade;

create table login_failures (
  subject text primary key,
  failures integer not null,
  window_start timestamptz not null
);

-- Secrets that the gateway generates. Private keys are encrypted under MASTER_KEY.
create table signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  private_sealed bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create table stored_secrets (
  name text primary key,
  sealed bytea not null
);

-- The catalog of patients, studies, series and instances.
create table patients (
  id bigint generated always as identity primary key,
  issuer text not null,
  patient_id text not null,
  sole_study_uid text,
  check ((patient_id = '') = (sole_study_uid is not null))
);
create unique index patients_key on patients (issuer, patient_id) where patient_id <> '';
create unique index patients_sole on patients (sole_study_uid) where patient_id = '';

create table studies (
  id bigint generated always as identity primary key,
  study_uid text not null unique,
  patient bigint not null references patients,
  orthanc_id text,
  created_by uuid references accounts on delete set null,
  created_at timestamptz not null default now(),
  institution text not null default '',
  patient_name text not null default '',
  patient_name_key text not null default '',
  patient_birth_date text not null default '',
  patient_sex text not null default '',
  study_date text not null default '',
  study_time text not null default '',
  study_id text not null default '',
  accession_number text not null default '',
  study_description text not null default '',
  study_description_key text not null default '',
  referring_physician text not null default '',
  referring_physician_key text not null default '',
  modalities text[] not null default '{}',
  image_modalities text[] not null default '{}',
  series_count integer not null default 0,
  instance_count integer not null default 0,
  revision bigint not null default 0
);
create index studies_patient on studies (patient);
create index studies_order on studies (study_date desc, study_time desc, id desc) where instance_count > 0;
create index studies_accession on studies (accession_number) where accession_number <> '';
create index studies_institution on studies (institution);
create index studies_created_by on studies (created_by);

create table series (
  id bigint generated always as identity primary key,
  series_uid text not null unique,
  study bigint not null references studies on delete cascade,
  orthanc_id text,
  modality text not null default '',
  series_number integer,
  series_description text not null default '',
  series_description_key text not null default '',
  series_date text not null default '',
  series_time text not null default '',
  body_part text not null default '',
  laterality text not null default '',
  protocol_name text not null default '',
  performed_date text not null default '',
  performed_time text not null default '',
  instance_count integer not null default 0,
  revision bigint not null default 0
);
create index series_study on series (study);

create table instances (
  id bigint generated always as identity primary key,
  sop_uid text not null unique,
  series bigint not null references series on delete cascade,
  sop_class_uid text not null,
  modality text not null default '',
  transfer_syntax text not null,
  instance_number integer,
  pixel_rows integer,
  pixel_columns integer,
  bits_allocated integer,
  frames integer not null default 0,
  orthanc_id text not null unique,
  size bigint,
  sha256 bytea,
  stored_by uuid references accounts on delete set null,
  stored_at timestamptz not null default clock_timestamp()
);
create index instances_series on instances (series, instance_number, id);

-- Reserved keys of instances that are being uploaded into the archive.
create table pending (
  sop_uid text primary key,
  series bigint not null references series on delete cascade,
  holder uuid not null,
  account_id uuid references accounts on delete set null,
  sha256 bytea,
  expires_at timestamptz not null
);
create index pending_series on pending (series);

create table archive_cursor (
  sole boolean primary key default true check (sole),
  archive text not null,
  position bigint not null
);

-- Audit rows. This table is append-only.
create table audit (
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  xact xid8 not null default pg_current_xact_id(),
  kind text not null,
  account_id uuid,
  account_name text,
  via text,
  address text not null,
  client text not null default '',
  action text not null,
  study_uid text,
  patient_issuer text,
  patient_id text,
  status integer,
  requests bigint,
  instances bigint,
  frames bigint,
  bytes bigint,
  request_id text,
  detail jsonb,
  primary key (at, id)
) partition by range (at);
create table audit_rest partition of audit default;
create index audit_unsealed on audit (xact, id);
create index audit_account on audit (account_id, at);
create index audit_study on audit (study_uid, at);

-- The chain of seals over the audit. Each hash is computed from the row and the previous hash.
create table audit_seals (
  position bigint generated always as identity primary key,
  audit_id bigint not null unique,
  audit_xact xid8 not null,
  hash bytea not null
);

-- These functions remove rows. They update counts, modalities and revisions, and delete parents that are empty afterwards.
create function refresh_study(wanted bigint) returns void language sql as $$
  update studies set
    series_count = (select count(*) from series where study = wanted and instance_count > 0),
    instance_count = (select coalesce(sum(instance_count), 0) from series where study = wanted),
    -- Uses the modality of each instance. It can differ from the modality of the series, and a scope by modality must consider it.
    modalities = array(
      select distinct i.modality from instances i join series on series.id = i.series
      where series.study = wanted and i.modality <> '' order by 1),
    image_modalities = array(
      select distinct unnest(studies.image_modalities)
      intersect select i.modality from instances i join series on series.id = i.series where series.study = wanted
      order by 1),
    revision = revision + 1
  where id = wanted;
  with gone as (
    delete from studies where id = wanted and not exists (select from series where study = wanted)
    returning id, patient)
  delete from patients using gone where patients.id = gone.patient
    and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id);
$$;

create function remove_series(wanted bigint) returns void language sql as $$
  with gone as (delete from series where id = wanted returning study)
  select refresh_study(study) from gone;
$$;

create function remove_instance(wanted bigint) returns void language plpgsql as $$
declare
  of_series bigint;
  of_study bigint;
begin
  delete from instances where id = wanted returning series into of_series;
  if not found then return; end if;
  update series set instance_count = instance_count - 1, revision = revision + 1
    where id = of_series returning study into of_study;
  delete from series where id = of_series and instance_count = 0
    and not exists (select from pending where series = of_series);
  perform refresh_study(of_study);
end;
$$;
