import type { Level } from '../catalog/search.attributes.js';
import { attributesAt } from '../catalog/search.service.js';
import { JSON_TYPE, XML_TYPE } from './http/data.set.forms.js';
import { xmlDocument, xmlElement } from '../dicom/json/xml.writer.js';

/** A method of a resource, with its parameters and its media types. */
interface Method {
  readonly name: 'GET' | 'POST' | 'DELETE' | 'OPTIONS';
  readonly id: string;
  readonly query?: readonly string[];
  readonly accepts?: readonly string[];
  readonly answers: readonly string[];
}

/** A resource below the root: its URI template and its methods. */
interface Resource {
  readonly path: string;
  readonly methods: readonly Method[];
}

const PARTS_OF = (type: string) => `multipart/related; type="${type}"`;
const DATA_SETS = [JSON_TYPE, 'application/json', PARTS_OF(XML_TYPE)];
const FILES = [PARTS_OF('application/dicom')];
const FILE = [...FILES, 'application/dicom'];
const PICTURES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];
const PICTURE_PARTS = PICTURES.map(PARTS_OF);
const OCTETS = 'application/octet-stream';
const RENDERED = ['viewport', 'window', 'quality', 'accept'];
const SEARCHED = ['limit', 'offset', 'includefield', 'fuzzymatching', 'accept'];
/** Web Application Description Language, version 2009. */
export const WADL_TYPE = 'application/vnd.sun.wadl+xml';

const STUDY = '/studies/{study}';
const SERIES = `${STUDY}/series/{series}`;
const INSTANCE = `${SERIES}/instances/{instance}`;

const get = (id: string, answers: readonly string[], query: readonly string[] = ['accept']): Method => ({
  name: 'GET',
  id,
  query,
  answers,
});
const search = (id: string, level: Level) =>
  get(id, DATA_SETS, [...SEARCHED, ...attributesAt(level).map(({ keyword }) => keyword)]);
const store = (id: string): Method => ({ name: 'POST', id, accepts: FILE, answers: [JSON_TYPE, XML_TYPE] });
const remove = (id: string): Method => ({ name: 'DELETE', id, answers: [] });
const renderedResources = (path: string, name: string): Resource[] => [
  {
    path: `${path}/rendered`,
    methods: [get(`RetrieveRendered${name}`, [...PICTURES, ...PICTURE_PARTS], RENDERED)],
  },
  { path: `${path}/thumbnail`, methods: [get(`Retrieve${name}Thumbnail`, PICTURES, RENDERED)] },
];
const metadataResource = (path: string, name: string): Resource => ({
  path: `${path}/metadata`,
  methods: [get(`Retrieve${name}Metadata`, DATA_SETS)],
});

/** Every resource of the Studies Service. A test compares this list with the routes. */
export const RESOURCES: readonly Resource[] = [
  {
    path: '',
    methods: [{ name: 'OPTIONS', id: 'RetrieveCapabilities', answers: [WADL_TYPE, 'application/json'] }],
  },
  { path: '/studies', methods: [search('SearchForStudies', 'study'), store('StoreInstances')] },
  { path: '/series', methods: [search('SearchForSeries', 'series')] },
  { path: '/instances', methods: [search('SearchForInstances', 'instance')] },
  {
    path: STUDY,
    methods: [get('RetrieveStudy', FILES), store('StoreInstancesOfStudy'), remove('DeleteStudy')],
  },
  { path: `${STUDY}/series`, methods: [search('SearchForStudySeries', 'series')] },
  { path: `${STUDY}/instances`, methods: [search('SearchForStudyInstances', 'instance')] },
  metadataResource(STUDY, 'Study'),
  ...renderedResources(STUDY, 'Study'),
  { path: SERIES, methods: [get('RetrieveSeries', FILES), remove('DeleteSeries')] },
  { path: `${SERIES}/instances`, methods: [search('SearchForStudySeriesInstances', 'instance')] },
  metadataResource(SERIES, 'Series'),
  ...renderedResources(SERIES, 'Series'),
  {
    path: INSTANCE,
    methods: [
      get('RetrieveInstance', [...FILE, ...PICTURES, ...PICTURE_PARTS], RENDERED),
      remove('DeleteInstance'),
    ],
  },
  metadataResource(INSTANCE, 'Instance'),
  ...renderedResources(INSTANCE, 'Instance'),
  {
    path: `${INSTANCE}/frames/{frames}`,
    methods: [get('RetrieveFrames', [PARTS_OF(OCTETS), OCTETS, PARTS_OF('image/*'), 'image/*'])],
  },
  ...renderedResources(`${INSTANCE}/frames/{frames}`, 'Frames'),
  { path: `${INSTANCE}/bulk/{path}`, methods: [get('RetrieveBulkdata', [PARTS_OF(OCTETS), OCTETS])] },
];

/** The capabilities as WADL (PS3.18 §8.9). `base` is the public URL of the service. */
export function capabilitiesAsWadl(base: string): Buffer {
  const resources = RESOURCES.map(({ path, methods }) =>
    xmlElement('resource', { path: path.slice(1) }, ...methods.map(methodAsWadl)),
  );
  const title = xmlElement('doc', { title: 'DICOMweb Studies Service' });
  return xmlDocument(
    xmlElement(
      'application',
      { xmlns: 'http://wadl.dev.java.net/2009/02' },
      title,
      xmlElement('resources', { base }, ...resources),
    ),
  );
}

function methodAsWadl({ name, id, query = [], accepts = [], answers }: Method): string {
  const parameters = query.map((parameter) => xmlElement('param', { name: parameter, style: 'query' }));
  const request = [...parameters, ...accepts.map(representation)];
  return xmlElement(
    'method',
    { name, id },
    request.length === 0 ? '' : xmlElement('request', {}, ...request),
    xmlElement('response', {}, ...answers.map(representation)),
  );
}

function representation(mediaType: string): string {
  return xmlElement('representation', { mediaType });
}

/** The capabilities as JSON. */
export function capabilitiesAsJson(base: string): Buffer {
  return Buffer.from(JSON.stringify({ base, resources: RESOURCES }));
}
