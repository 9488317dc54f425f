alter table imports drop column forgotten_at;
