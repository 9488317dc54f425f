-- A few visible studies, and the few grants of one account, are found among very many without reading what is not asked for.
create index studies_image_modalities on studies (image_modalities);
drop index memberships_account;
create index memberships_account on memberships (account_id) include (group_id);
drop index grants_group;
create index grants_group on grants (group_id)
  include (until, rights, scope_kind, study_uid, issuer, patient_id, institution, modality);
