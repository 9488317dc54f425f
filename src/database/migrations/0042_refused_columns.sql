-- The columns because of which a file was refused, by their names in the mapping.
alter table imports add column failure_columns text[] not null default '{}';
