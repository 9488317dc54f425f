-- Nothing to take back: the rewritten values are dates and times for the older version as well, which reads the spelling of the file again in a rebuild.
select 1;
