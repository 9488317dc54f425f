/** Faults of a whole file. No row of such a file is imported. */
export const FILE_CODES = {
  'file-empty': ['The file is empty.', 'Export the list again and check it before the upload.'],
  'file-header-only': ['The file has a header and no rows.', 'Export the list with its rows.'],
  'file-header-missing': [
    'The first line contains no column name of the mapping.',
    'Add a first line with the column names, or add the names of the file to the mapping.',
  ],
  'file-column-missing': [
    'A required column is missing from the header.',
    'Add the column, or add its name in the file to the mapping.',
  ],
  'file-column-double': [
    'Two columns of the header stand for the same column of the mapping, or have the same name.',
    'Remove or rename one of them.',
  ],
  'file-column-unnamed': ['A column of the header has no name.', 'Name the column, or remove it.'],
  'file-columns-too-many': [
    'The file has more than 256 columns.',
    'Upload only the columns that the mapping uses.',
  ],
  'file-rows-too-many': ['The file has more than 5,000,000 rows.', 'Split it into several files.'],
  'file-too-large': ['The file is larger than 1 GB.', 'Split it into several files.'],
  'file-gzip-broken': ['The gzip file is damaged or incomplete.', 'Compress the list again and upload it.'],
  'file-gzip-bomb': [
    'The gzip file is more than 200 times larger when it is decompressed.',
    'Upload the file uncompressed.',
  ],
  'file-spreadsheet': [
    'The file is a damaged workbook, or a spreadsheet in another format than XLSX and ODS, or has a password.',
    'Save it as XLSX, ODS or CSV UTF-8 in the spreadsheet program, without a password.',
  ],
  'file-encrypted': [
    'The workbook has a password.',
    'Save it without a password in the spreadsheet program.',
  ],
  'file-spreadsheet-large': [
    'The workbook has too many different texts.',
    'Save the sheet as CSV UTF-8 in the spreadsheet program.',
  ],
  'file-sheet-missing': [
    'The workbook has no visible sheet with the requested name or number.',
    'Use the name of a visible sheet, or its number from left to right. Hidden sheets are not counted.',
  ],
  'file-sheet-unexpected': [
    'A sheet is requested, but the file is not a workbook.',
    'Leave the parameter sheet out, or upload the workbook.',
  ],
  'file-archive': [
    'The file is a ZIP archive.',
    'Upload the CSV file itself, or compress it with gzip (.csv.gz).',
  ],
  'file-binary': ['The file is not a text file.', 'Upload a CSV file.'],
  'file-encoding-unknown': [
    'The requested encoding is unknown.',
    'Use utf-8, utf-16le, utf-16be, windows-1252, macintosh or cp850, or leave the encoding out.',
  ],
  'file-encoding-wrong': [
    'The file is not in the requested encoding.',
    'Request another encoding, or leave it out to have it detected.',
  ],
  'file-header-undecodable': [
    'A column name contains bytes that are invalid in the encoding of the file.',
    'Correct the header, or upload the file with the right encoding.',
  ],
  'file-lost': [
    'The uploaded file is not on the disk of any gateway.',
    'Upload it again. Gateways can share one DATA_DIR/imports.',
  ],
  'file-mapping-missing': [
    'Nobody chose a mapping for the file within seven days.',
    'Upload the file again, and choose a mapping when the import asks for it.',
  ],
  'file-broken-quotes': [
    'More than 1,000 rows have broken quotes.',
    'Set the right delimiter in the mapping, or export the list with quotes doubled inside quoted cells.',
  ],
} as const;

/** Findings about a whole file. The rows of such a file are imported. */
export const FILE_WARNINGS = {
  'columns-ignored': [
    'The mapping does not use some columns of the file.',
    'Add the names of these columns to the mapping if their values are needed.',
  ],
  'text-damaged': [
    'The file is UTF-8 with invalid bytes in some lines. The rows with these bytes have the code cell-undecodable.',
    'Correct these rows in errors.csv, or request the right encoding.',
  ],
} as const;

/** Information about a whole file. The rows of such a file are imported. */
export const FILE_INFORMATION = {
  'sheets-ignored': [
    'The workbook has several visible sheets. Only one of them was read.',
    'If another sheet has patients too, upload the workbook again and request that sheet.',
  ],
  'title-lines-skipped': [
    'Lines above the header were skipped.',
    'Nothing to do, unless one of these lines is a patient.',
  ],
  'footer-lines-skipped': [
    'Lines below the last row were skipped, for example a total.',
    'Nothing to do, unless one of these lines is a patient.',
  ],
} as const;
