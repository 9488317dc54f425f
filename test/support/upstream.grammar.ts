/** A request that the archive received. Header names are in lower case, in order, with repeats. */
export interface UpstreamRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A canary in the headers of test clients (world.ts). It must not reach the archive. */
export const CLIENT_CANARY = 'canary-of-a-client';

const ID = '[0-9a-f]{8}(?:-[0-9a-f]{8}){4}';
const TAG = '[0-9a-f]{4}-[0-9a-f]{4}';
/** A UID has at most 64 characters (PS3.5 §9.1). */
const UID = '(?=[\\d.]{1,64}/)\\d+(?:\\.\\d+)*';

/**
 * Method and request target of every call that src/orthanc can make. The list is written independently of that code. A new call in
 * src/orthanc must be added here, and must be built only from typed values.
 */
const calls: readonly (readonly [method: string, target: string])[] = [
  ['GET', '/system'],
  ['GET', '/statistics'],
  ['GET', '/changes\\?since=\\d+&limit=\\d+'],
  ['GET', '/changes\\?last'],
  ['GET', `/(?:studies|series|instances)/${ID}`],
  ['GET', '/(?:studies|series|instances)\\?since=\\d+&limit=\\d+'],
  ['POST', '/tools/bulk-content'],
  ['DELETE', `/instances/${ID}`],
  ['GET', `/instances/${ID}/tags\\?short`],
  ['GET', `/instances/${ID}/series`],
  ['GET', `/instances/${ID}/file`],
  ['GET', `/instances/${ID}/frames/\\d+/raw`],
  ['GET', `/instances/${ID}/attachments/dicom/data`],
  ['GET', `/instances/${ID}/content/${TAG}(?:/\\d{1,5}/${TAG})*`],
  ['GET', `/dicom-web/studies/${UID}/series/${UID}/instances/${UID}/metadata`],
  ['POST', `/instances/${ID}/modify`],
  ['POST', '/instances'],
];

const patterns = calls.map(([method, target]) => ({ method, target: new RegExp(`^${target}$`, 'i') }));

/** The headers that the gateway sends, and their permitted values. */
const headers: Readonly<Record<string, RegExp>> = {
  connection: /^(?:close|keep-alive)$/i,
  'content-type': /^application\/(?:dicom|json)$/,
  'content-length': /^\d{1,6}$/,
  'transfer-encoding': /^chunked$/,
};

/** The `host:port` of the archive, and the gateway's user name and password there. */
export interface Expected {
  readonly host: string;
  readonly authorization: string;
}

/** The faults of a request to the archive, one sentence for each fault. The list is empty for a permitted request. */
export function faultsOf(request: UpstreamRequest, { host, authorization }: Expected): string[] {
  const faults: string[] = [];
  const { method, target } = request;
  if (!patterns.some((pattern) => pattern.method === method && pattern.target.test(target)))
    faults.push(
      `${method} ${target} is no call of src/orthanc (test/support/upstream.grammar.ts lists them)`,
    );
  const exact: Readonly<Record<string, string>> = { host, authorization };
  const seen = new Set<string>();
  for (const [name, value] of request.headers) {
    if (seen.has(name)) faults.push(`${method} ${target} carries ${name} twice`);
    seen.add(name);
    const isPart = name === 'range' && target.endsWith('/attachments/dicom/data');
    const form = isPart ? /^bytes=\d+-\d+$/ : headers[name];
    const fits = exact[name] === undefined ? form?.test(value) : exact[name] === value;
    // The report omits the value, because it may be a credential.
    if (fits !== true) faults.push(`${method} ${target} carries ${name} that the gateway does not make`);
    if (value.includes(CLIENT_CANARY)) faults.push(`${method} ${target} carries a client's ${name}`);
  }
  // If an upload has a Content-Length, Orthanc allocates this much memory at once. The gateway therefore sends chunked uploads. A request
  // without a body has no Content-Length.
  if (seen.has('content-length') && target === '/instances') faults.push('a stored body tells its length');
  if (!seen.has('authorization')) faults.push(`${method} ${target} carries no account`);
  return faults;
}
