-- The states of the rows that a person wants to run again. Null after the job has reset these rows.
alter table imports add column again jsonb;
