-- The study list of the portal finds identifiers by their first characters, in any case.
create index patients_patient_id_start on patients (lower(patient_id) text_pattern_ops);
create index studies_accession_start on studies (lower(accession_number) text_pattern_ops) where accession_number <> '';
