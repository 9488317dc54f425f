drop index studies_accession_start;
drop index patients_patient_id_start;
