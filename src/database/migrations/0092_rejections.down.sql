-- The earlier version would show rejected instances, because the archive has them. Restore or purge them first.
do $$ begin
  if exists (select from rejected_instances) then
    raise exception 'there are rejected instances: restore or purge them before going back';
  end if;
end $$;

drop trigger refuse_rejected on instances;
drop function refuse_rejected;
drop function reject_instances;
drop function restore_instances;
drop function drop_rejected;
drop function recount_series;

create or replace function refresh_study(wanted bigint) returns void language sql as $$
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
    and not exists (select from pending where series = of_series);
  perform refresh_study(of_study);
end;
$$;

drop view rejected_studies;
drop table rejected_instances;
drop table rejections;
alter table studies drop column rejected_count;
