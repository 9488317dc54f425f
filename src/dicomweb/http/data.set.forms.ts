import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Offered } from '../../audit/readings.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from './accept.js';
import type { OutgoingMultipart } from './multipart.writer.js';
import { nativeModelOf } from '../../dicom/json/native.model.js';

export const JSON_TYPE = 'application/dicom+json';
/** The general media type of JSON. The body is the same as for `JSON_TYPE`. */
const PLAIN_JSON = 'application/json';
export const XML_TYPE = 'application/dicom+xml';

/** How data sets are sent: as one DICOM JSON array with this media type, as a multipart body of XML parts, or as a single XML body. */
type DataSetForm = typeof JSON_TYPE | typeof PLAIN_JSON | 'xml-parts' | 'xml';

/**
 * The client's most preferred form of data sets (PS3.18 §8.7.3.2). `single`: there is only one data set, so that the whole body can be XML.
 * Throws `NotAcceptable`.
 */
export function negotiateDataSets(accepted: readonly MediaRange[], single: boolean): DataSetForm {
  for (const range of accepted) {
    if (covers(range, JSON_TYPE)) return JSON_TYPE;
    // If the client accepts both JSON media types equally, the answer has the DICOM media type.
    if (range.type === PLAIN_JSON)
      return accepted.some((one) => one.q === range.q && covers(one, JSON_TYPE)) ? JSON_TYPE : PLAIN_JSON;
    if (single && range.type === XML_TYPE) return 'xml';
    const type = range.parameters.get('type')?.toLowerCase() ?? XML_TYPE;
    if (covers(range, 'multipart/related') && [XML_TYPE, 'application/*', '*/*'].includes(type))
      return 'xml-parts';
  }
  throw new NotAcceptable(
    'not-acceptable',
    `This is available as ${JSON_TYPE} and as multipart/related; type="${XML_TYPE}".`,
  );
}

/**
 * Writes data sets of the DICOM JSON model as `multipart/related; type="application/dicom+xml"` (PS3.18 §8.7.3.2), one part for each data
 * set. Calls `offered` for each data set.
 */
export function writeXmlParts(
  dataSets: AsyncIterable<unknown> | Iterable<unknown>,
  offered: (what: Offered) => void = () => undefined,
): OutgoingMultipart {
  const boundary = randomBytes(16).toString('hex');
  const stream = Readable.from(parts(boundary, dataSets, offered), {
    objectMode: false,
    highWaterMark: 64 * 1024,
  });
  return {
    contentType: `multipart/related; type="${XML_TYPE}"; boundary=${boundary}`,
    length: undefined,
    stream,
  };
}

async function* parts(
  boundary: string,
  dataSets: AsyncIterable<unknown> | Iterable<unknown>,
  offered: (what: Offered) => void,
): AsyncGenerator<Buffer> {
  for await (const dataSet of dataSets) {
    yield Buffer.from(`--${boundary}\r\nContent-Type: ${XML_TYPE}\r\n\r\n`);
    const document = await nativeModelOf(dataSet);
    offered({ instances: 1, bytes: document.length });
    yield document;
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}
