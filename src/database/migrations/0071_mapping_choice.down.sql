drop index imports_sha256, imports_proposed;
alter table imports drop constraint imports_proposal_state, drop constraint imports_mapping_chosen;
-- Earlier versions cannot wait for a mapping. The file is kept for seven days, so the import can be retried.
update imports set status = 'failed', failure = 'file-header-missing', sameness = null, finished_at = now()
  where status = 'needs_mapping';
-- The default of earlier versions.
update imports set mapping = (select id from mappings where name = 'brazil-hospital' order by version desc limit 1)
  where mapping is null;
alter table imports
  drop column mapping_choice, drop column proposal, drop column proposed_at,
  drop constraint imports_status_check,
  add constraint imports_status_check check (status in
    ('inspecting', 'rehearsed', 'queued', 'running', 'completed', 'completed_with_errors', 'cancelled', 'failed', 'undone'));
alter table imports alter column mapping set not null;
