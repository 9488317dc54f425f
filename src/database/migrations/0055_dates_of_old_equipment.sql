-- ACR-NEMA equipment writes dates as 2024.02.28 and times as 10:15:00. The catalog stores them in the DICOM format, so that searches find
-- them and sort them correctly. This migration converts the existing rows.
update studies set study_date = replace(study_date, '.', '') where study_date ~ '^\d{4}\.\d{2}\.\d{2}$';
update studies set patient_birth_date = replace(patient_birth_date, '.', '') where patient_birth_date ~ '^\d{4}\.\d{2}\.\d{2}$';
update studies set study_time = replace(study_time, ':', '') where study_time ~ '^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$';
update series set series_date = replace(series_date, '.', '') where series_date ~ '^\d{4}\.\d{2}\.\d{2}$';
update series set performed_date = replace(performed_date, '.', '') where performed_date ~ '^\d{4}\.\d{2}\.\d{2}$';
update series set series_time = replace(series_time, ':', '') where series_time ~ '^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$';
update series set performed_time = replace(performed_time, ':', '') where performed_time ~ '^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$';
