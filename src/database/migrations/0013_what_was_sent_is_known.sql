-- What the process was about to send to the FHIR server: for each row the resources to create (by key) and to update (from which version).
-- If the response is lost, the import can still report and undo these writes.
alter table import_chunks add column sent jsonb not null default '{}';
update import_chunks set sent = (select jsonb_object_agg(row, '[{"kind": "Patient"}]'::jsonb) from unnest(creating) row)
  where creating <> '{}';
alter table import_chunks drop column creating;
