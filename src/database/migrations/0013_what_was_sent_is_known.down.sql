alter table import_chunks add column creating integer[] not null default '{}';
alter table import_chunks drop column sent;
