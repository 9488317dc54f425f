drop trigger tell_more_access on grants;
drop trigger tell_more_access on memberships;
drop trigger tell_study_changed on studies;
drop function tell_study_changed;
