-- Moves every row back to the single partition of the older version. Dropped months are not restored.
do $$
declare
  month record;
begin
  for month in
    select c.relname as name from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'public.audit'::regclass and c.relname ~ '^audit_\d{4}_\d{2}$'
  loop
    execute format('alter table public.audit detach partition public.%I', month.name);
    execute format('insert into public.audit_rest overriding system value select * from public.%I', month.name);
    execute format('drop table public.%I', month.name);
  end loop;
end;
$$;
drop function audit_keep();
drop function audit_make_month(date);
drop index audit_patient;
alter table audit_seals drop column audit_at;
drop table audit_months, audit_settings;
