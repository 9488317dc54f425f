drop trigger notify_import_event on import_events;
drop function notify_import_event;
