alter table terms drop column revision, drop column reason, drop column decided_account;
drop table word_uses;
