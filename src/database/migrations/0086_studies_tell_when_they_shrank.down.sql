drop trigger note_study_shrank on studies;
drop function note_study_shrank;
alter table studies drop column shrunk_at;
