-- A patient sees who has opened the own images: the organisation, and the name unless an administrator withholds it.
alter table accounts add column organisation text not null default '';
alter table accounts add column name_withheld boolean not null default false;
-- The audit keeps the name of a removed account. A withheld name stays withheld.
create table withheld_names (account_id uuid primary key);
create function keep_name_withheld() returns trigger language plpgsql as $$
begin
  insert into withheld_names (account_id) values (old.id) on conflict do nothing;
  return old;
end $$;
create trigger keep_name_withheld after delete on accounts
  for each row when (old.name_withheld) execute function keep_name_withheld();
