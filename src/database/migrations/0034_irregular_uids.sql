-- Came by C-STORE with a UID that breaks the rule of PS3.5 §9.1 (a group with a leading zero); it is shown by the stored value.
alter table instances add column irregular boolean not null default false;
create index instances_irregular on instances (id) where irregular;
