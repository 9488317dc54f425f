-- A gateway remembers the patient of a study for some seconds, because scopes depend on it. A change of the patient itself is therefore told
-- for each of the patient's studies.
create function tell_patient_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('study_grown', study_uid) from studies where patient = new.id;
  return null;
end $$;

create trigger tell_patient_changed after update on patients
  for each row when ((new.issuer, new.patient_id) is distinct from (old.issuer, old.patient_id))
  execute function tell_patient_changed();
