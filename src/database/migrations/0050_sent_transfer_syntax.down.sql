alter table pending drop column transfer_syntax;
