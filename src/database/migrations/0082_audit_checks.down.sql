drop table audit_checks;
