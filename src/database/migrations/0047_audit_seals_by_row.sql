-- A seal belongs to one row, and the key of a row is (at, id). An id alone is not unique: a restored database counts from the start again,
-- and somebody can insert a row with an existing id. With a unique index on the id alone, such a row could not be sealed and blocked the
-- chain.
alter table audit_seals drop constraint audit_seals_audit_id_key;
create unique index audit_seals_row on audit_seals (audit_id, audit_at);

create or replace function audit_keep() returns void
language plpgsql security definer set search_path = pg_catalog, public set timezone = 'UTC' as $$
declare
  this_month date := date_trunc('month', now());
  oldest date;
  old record;
  still_there boolean;
begin
  -- Only one gateway at a time does this work. A second gateway has nothing to do.
  if not pg_try_advisory_xact_lock(7263470) then return; end if;
  select this_month - make_interval(months => kept_months) into oldest from public.audit_settings;

  for ahead in 0..2 loop
    perform public.audit_make_month((this_month + make_interval(months => ahead))::date);
  end loop;
  for old in select distinct date_trunc('month', at)::date as month from public.audit_rest loop
    perform public.audit_make_month(old.month);
  end loop;

  for old in
    select c.relname as name, to_date(substr(c.relname, 7), 'YYYY_MM') as month
    from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'public.audit'::regclass and c.relname ~ '^audit_\d{4}_\d{2}$'
    order by c.relname
  loop
    continue when old.month >= oldest;
    -- A month is dropped only if all its rows are sealed.
    execute format(
      'select exists (select from public.%I r where not exists (select from public.audit_seals s where s.audit_id = r.id and s.audit_at = r.at))',
      old.name) into still_there;
    continue when still_there;
    execute format(
      'insert into public.audit_months (month, rows, last_position, hash)
       select %L, (select count(*) from public.%I), last.position, last.hash
       from (select 1) one left join lateral (
         select position, hash from public.audit_seals where audit_at >= %L and audit_at < %L order by position desc limit 1) last on true
       on conflict (month) do update set rows = audit_months.rows + excluded.rows,
         last_position = coalesce(excluded.last_position, audit_months.last_position),
         hash = coalesce(excluded.hash, audit_months.hash)',
      old.month, old.name, old.month, old.month + interval '1 month');
    execute format('drop table public.%I', old.name);
  end loop;

  -- The chain begins with the seals of dropped rows. Only the last seal before the first kept row is needed.
  -- All earlier seals are deleted.
  delete from public.audit_seals where position < (
    select max(position) from public.audit_seals where audit_at < oldest and position < coalesce(
      (select min(position) from public.audit_seals where audit_at >= oldest), 9223372036854775807));
end;
$$;
