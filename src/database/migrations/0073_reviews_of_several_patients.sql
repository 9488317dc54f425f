-- Rows whose identifiers belong to several Patients on the FHIR server. A person chooses one of them.
alter table import_reviews
  -- The ids of these Patients. Null for a review of one patient.
  add column candidates text[],
  -- The id of the chosen Patient.
  add column chosen text,
  add check (chosen is null or (decision = 'same' and chosen = any (candidates))),
  add check (candidates is null or decision is distinct from 'same' or chosen is not null);
