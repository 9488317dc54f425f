-- The items of Request Attributes Sequence of the first instance of a series, as two arrays of the same length. Null if they have not been
-- read yet. The sweep reads them.
alter table series add column request_steps text[], add column request_procedures text[],
  add check (cardinality(request_steps) = cardinality(request_procedures));
create index series_request_steps on series using gin (request_steps);
create index series_request_procedures on series using gin (request_procedures);
