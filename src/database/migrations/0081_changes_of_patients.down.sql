drop trigger tell_patient_changed on patients;
drop function tell_patient_changed;
