drop index studies_description;
drop index studies_patient_name;
drop extension pg_trgm;
