alter table terms drop column checked;
drop table terminology_answers;
