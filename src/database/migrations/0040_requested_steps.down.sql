alter table series drop column request_steps, drop column request_procedures;
