-- Notifies the gateways that an event was added. A gateway that streams the progress of an import (src/imports/import.events.ts) then reads
-- the table. It does not poll.
create function notify_import_event() returns trigger language plpgsql as $$
begin
  perform pg_notify('import_event', new.import_id::text);
  return null;
end $$;

create trigger notify_import_event after insert on import_events
  for each row execute function notify_import_event();
