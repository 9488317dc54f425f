alter table token_families drop signed_in_by;
alter table sessions drop signed_in_by;
alter table groups drop requires_second_factor;
drop table sign_in_challenges;
drop table recovery_codes;
drop table second_factors;
