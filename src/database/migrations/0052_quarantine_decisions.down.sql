alter table quarantined drop column decision;
drop table quarantine_decisions;
