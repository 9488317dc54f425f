drop table quarantined, quarantine;
