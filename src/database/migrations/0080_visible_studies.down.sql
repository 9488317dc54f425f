drop trigger note_visible_study_inserted on studies;
drop trigger note_visible_study_updated on studies;
drop trigger note_visible_study_deleted on studies;
drop function note_visible_study;
drop table visible_study_changes;
