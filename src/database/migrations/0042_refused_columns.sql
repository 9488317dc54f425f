-- Which columns a file was refused for, by the names of its mapping.
alter table imports add column failure_columns text[] not null default '{}';
