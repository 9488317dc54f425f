-- Viewers search for `*part*` of a name. A trigram index finds these names without reading every study.
create extension if not exists pg_trgm;
create index studies_patient_name on studies using gin (patient_name_key gin_trgm_ops);
create index studies_description on studies using gin (study_description_key gin_trgm_ops);
