/** The values of an element of DICOM JSON (PS3.18 §F.2). Empty if the element is missing. */
export function dicomValues(dataSet: unknown, tag: string | undefined): readonly unknown[] {
  const values = member(member(dataSet, tag ?? ''), 'Value');
  return Array.isArray(values) ? values : [];
}

/** The first value of an element of DICOM JSON as text. Empty if the element is missing or is no text. */
export function dicomText(dataSet: unknown, tag: string | undefined): string {
  const [value] = dicomValues(dataSet, tag);
  return typeof value === 'string' ? value : '';
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
