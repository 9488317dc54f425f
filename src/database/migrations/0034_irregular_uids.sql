-- True for an instance that came by C-STORE with a UID that does not conform to PS3.5 §9.1 (a component with a leading zero). The gateway
-- shows the UID as it was stored.
alter table instances add column irregular boolean not null default false;
create index instances_irregular on instances (id) where irregular;
