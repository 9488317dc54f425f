type Json = Readonly<Record<string, unknown>>;

const TEXT = { type: 'string' };
const COUNT = { type: 'integer', minimum: 0 };
const POSITIVE = { type: 'integer', minimum: 1 };
const UID = { type: 'string', pattern: '^[0-9.]{1,64}$' };

const asked = (name: string, schema: Json, description: string, more: Json = {}) => ({
  name,
  in: 'query',
  required: false,
  schema,
  description,
  ...more,
});
const needed = (name: string, schema: Json, description: string) =>
  asked(name, schema, description, { required: true });

const ACCEPT = asked('accept', TEXT, 'Media types, before those of the Accept header (PS3.18 §8.3.3.1).');
const SEARCH = [
  asked(
    'limit',
    COUNT,
    'How many at most: from the root 100 unless said and 1,000 at most, below a study all.',
  ),
  asked('offset', COUNT, 'How many of them are gone over first.'),
  asked('fuzzymatching', { type: 'boolean' }, 'Names are also found when they are alike.'),
  asked('includefield', { type: 'array', items: TEXT }, 'Attributes by tag or keyword, or `all`.', {
    style: 'form',
    explode: true,
  }),
  asked(
    'keys',
    { type: 'object', additionalProperties: TEXT },
    'Any key of the level by tag or keyword, each once: PatientName=Muster*, 00080020=20260101-20260131.',
    { style: 'form', explode: true },
  ),
];
const PICTURE = [
  asked(
    'viewport',
    { type: 'string', pattern: '^[1-9]\\d{0,3},[1-9]\\d{0,3}$' },
    'A box in pixels that a picture is fitted into: width,height.',
  ),
  asked('window', TEXT, 'Of a picture: center,width,linear or linear-exact, in modality units.'),
  asked('quality', { ...POSITIVE, maximum: 100 }, 'Of a JPEG.'),
];
const URI = [
  needed('requestType', { const: 'WADO' }, 'The service.'),
  needed('studyUID', UID, 'The study.'),
  needed('seriesUID', UID, 'The series.'),
  needed('objectUID', UID, 'The instance.'),
  asked('contentType', TEXT, 'Media types, before those of the Accept header.'),
  asked('transferSyntax', UID, 'With application/dicom alone.'),
  asked('frameNumber', POSITIVE, 'Of a picture, from 1.'),
  asked('rows', POSITIVE, 'A picture is at most so high.'),
  asked('columns', POSITIVE, 'A picture is at most so wide.'),
  asked('windowCenter', { type: 'number' }, 'In modality units, with windowWidth.'),
  asked('windowWidth', { type: 'number', minimum: 1 }, 'With windowCenter.'),
  asked('imageQuality', { ...POSITIVE, maximum: 100 }, 'Of a JPEG.'),
];

/** What DICOMweb may be asked (PS3.18 §8.3), the first that fits method and path: its controllers read the query as it was sent. */
const ASKED: readonly (readonly [route: RegExp, parameters: readonly Json[]])[] = [
  [/^GET \/wado$/, URI],
  [/^GET \/dicom-web\/.*\/(rendered|thumbnail|instances\/\{\w+\})$/, [ACCEPT, ...PICTURE]],
  [/^GET \/dicom-web\/(.*\/)?(studies|series|instances)$/, [ACCEPT, ...SEARCH]],
  [/^GET \/dicom-web\//, [ACCEPT]],
];

/** The query parameters of a route of images, in words of OpenAPI; none of others. */
export function imageQueriesOf(method: string, path: string): readonly Json[] {
  return ASKED.find(([route]) => route.test(`${method} ${path}`))?.[1] ?? [];
}
