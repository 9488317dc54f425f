-- Which rows of an import a person wants to run again, until the job has set them back.
alter table imports add column again jsonb;
