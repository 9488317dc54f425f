-- Request Attributes Sequence of a series' first instance, item by item: two lists of one length. Null: not read yet, which the walk through everything does.
alter table series add column request_steps text[], add column request_procedures text[],
  add check (cardinality(request_steps) = cardinality(request_procedures));
create index series_request_steps on series using gin (request_steps);
create index series_request_procedures on series using gin (request_procedures);
