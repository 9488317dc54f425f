-- Rejected instances. A rejection moves rows from `instances` to `rejected_instances`. No read of the catalog uses the second table, so that
-- rejected instances are invisible everywhere. The rows of their study and series stay, as for instances that are being uploaded.

-- The number of rejected instances. A study with rejected instances keeps its patient, institution and creator.
alter table studies add column rejected_count integer not null default 0;

create table rejections (
  id uuid primary key default gen_random_uuid(),
  study bigint not null references studies on delete cascade,
  -- The rejected object: the study, or one series, or one instance.
  series_uid text,
  sop_uid text,
  -- Code values of DCM (PS3.16 CID 7011). Null if the client gave no reason.
  reason text check (reason in ('113001', '113037', '113038', '113039')),
  account_id uuid references accounts on delete set null,
  rejected_at timestamptz not null default clock_timestamp(),
  instances integer not null default 0,
  restored_at timestamptz
);
create index rejections_study on rejections (study);
create index rejections_open on rejections (rejected_at, id) where restored_at is null;

-- The columns of `instances`, and the rejection. No foreign key cascades: a statement that removes a study or series must not make the gateway
-- forget that its instances are rejected.
create table rejected_instances (
  id bigint primary key,
  sop_uid text not null unique,
  series bigint not null references series,
  sop_class_uid text not null,
  modality text not null,
  transfer_syntax text not null,
  instance_number integer,
  pixel_rows integer,
  pixel_columns integer,
  bits_allocated integer,
  frames integer not null,
  orthanc_id text not null unique,
  size bigint,
  sha256 bytea,
  stored_by uuid references accounts on delete set null,
  stored_at timestamptz not null,
  file_uuid text,
  irregular boolean not null,
  rejection uuid not null references rejections,
  -- Whether the modality is one of the image modalities of the study. The scope `modality` uses them.
  is_image boolean not null
);
create index rejected_instances_series on rejected_instances (series);
create index rejected_instances_rejection on rejected_instances (rejection, id);

-- A study for the check of scopes on its rejected instances. The rejected image series count too.
create view rejected_studies as
  select studies.id, study_uid, patient, institution, created_by, array(
    select unnest(studies.image_modalities)
    union select rejected_instances.modality from rejected_instances join series on series.id = rejected_instances.series
      where series.study = studies.id and is_image
    order by 1) as image_modalities
  from studies;

-- The same as before, except: a series with rejected instances stays, and a study without visible instances keeps its image modalities.
create or replace function refresh_study(wanted bigint) returns void language sql as $$
  update studies set
    series_count = (select count(*) from series where study = wanted and instance_count > 0),
    instance_count = (select coalesce(sum(instance_count), 0) from series where study = wanted),
    rejected_count = (
      select count(*) from rejected_instances r join series on series.id = r.series where series.study = wanted),
    -- Uses the modality of each instance. It can differ from the modality of the series, and a scope by modality must consider it.
    modalities = array(
      select distinct i.modality from instances i join series on series.id = i.series
      where series.study = wanted and i.modality <> '' order by 1),
    image_modalities = case
      when exists (select from instances i join series on series.id = i.series where series.study = wanted)
        or not exists (select from rejected_instances r join series on series.id = r.series where series.study = wanted)
      then array(
        select distinct unnest(studies.image_modalities)
        intersect select i.modality from instances i join series on series.id = i.series where series.study = wanted
        order by 1)
      else studies.image_modalities end,
    revision = revision + 1
  where id = wanted;
  with gone as (
    delete from studies where id = wanted and not exists (select from series where study = wanted)
    returning id, patient)
  delete from patients using gone where patients.id = gone.patient
    and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id);
$$;

create or replace function remove_instance(wanted bigint) returns void language plpgsql as $$
declare
  of_series bigint;
  of_study bigint;
begin
  delete from instances where id = wanted returning series into of_series;
  if not found then return; end if;
  update series set instance_count = instance_count - 1, revision = revision + 1
    where id = of_series returning study into of_study;
  delete from series where id = of_series and instance_count = 0
    and not exists (select from pending where series = of_series)
    and not exists (select from rejected_instances where series = of_series);
  perform refresh_study(of_study);
end;
$$;

-- Moves instances of a study to a rejection, and returns their number. The caller has locked the row of the study.
create function reject_instances(of_rejection uuid, of_study bigint, wanted bigint[]) returns integer language plpgsql as $$
declare
  image text[] := (select image_modalities from studies where id = of_study);
  moved integer;
begin
  with gone as (delete from instances where id = any (wanted) returning *)
  insert into rejected_instances (id, sop_uid, series, sop_class_uid, modality, transfer_syntax, instance_number, pixel_rows,
    pixel_columns, bits_allocated, frames, orthanc_id, size, sha256, stored_by, stored_at, file_uuid, irregular, rejection, is_image)
  select id, sop_uid, series, sop_class_uid, modality, transfer_syntax, instance_number, pixel_rows,
    pixel_columns, bits_allocated, frames, orthanc_id, size, sha256, stored_by, stored_at, file_uuid, irregular,
    of_rejection, modality = any (image)
  from gone;
  get diagnostics moved = row_count;
  update rejections set instances = moved where id = of_rejection;
  perform recount_series(of_study);
  return moved;
end;
$$;

-- Moves the instances of a rejection back, and returns their number. The caller has locked the row of the study.
create function restore_instances(of_rejection uuid, of_study bigint) returns integer language plpgsql as $$
declare
  image text[] := array(
    select distinct modality from rejected_instances where rejection = of_rejection and is_image);
  moved integer;
begin
  with back as (delete from rejected_instances where rejection = of_rejection returning *)
  insert into instances (id, sop_uid, series, sop_class_uid, modality, transfer_syntax, instance_number, pixel_rows,
    pixel_columns, bits_allocated, frames, orthanc_id, size, sha256, stored_by, stored_at, file_uuid, irregular)
  overriding system value
  select id, sop_uid, series, sop_class_uid, modality, transfer_syntax, instance_number, pixel_rows,
    pixel_columns, bits_allocated, frames, orthanc_id, size, sha256, stored_by, stored_at, file_uuid, irregular
  from back;
  get diagnostics moved = row_count;
  update studies set image_modalities = array(select distinct unnest(image_modalities || image) order by 1) where id = of_study;
  perform recount_series(of_study);
  return moved;
end;
$$;

-- Removes rejected instances that the archive no longer has, and parents that are empty afterwards.
create function drop_rejected(of_study bigint, wanted bigint[]) returns integer language plpgsql as $$
declare
  dropped integer;
begin
  delete from rejected_instances where id = any (wanted);
  get diagnostics dropped = row_count;
  delete from series where study = of_study and instance_count = 0
    and not exists (select from pending where series = series.id)
    and not exists (select from rejected_instances where series = series.id);
  perform refresh_study(of_study);
  return dropped;
end;
$$;

create function recount_series(of_study bigint) returns void language sql as $$
  update series set instance_count = (select count(*) from instances where series = series.id), revision = revision + 1
    where study = of_study
    and instance_count <> (select count(*) from instances where series = series.id);
  select refresh_study(of_study);
$$;

-- A rejected instance can only become visible again by a restoration.
create function refuse_rejected() returns trigger language plpgsql as $$
begin
  if exists (select from added join rejected_instances using (sop_uid)) then
    raise unique_violation using message = 'an instance with this SOP Instance UID is rejected';
  end if;
  return null;
end $$;
create trigger refuse_rejected after insert on instances
  referencing new table as added for each statement execute function refuse_rejected();
