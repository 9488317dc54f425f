-- Nothing to revert. The converted values are also valid for the older version. A rebuild of that version reads the original format from
-- the file again.
select 1;
