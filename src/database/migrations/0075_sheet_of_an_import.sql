-- The name or the number of the sheet of a workbook that the upload requests. Null for the first visible sheet, and for other files.
alter table imports add column sheet text;
