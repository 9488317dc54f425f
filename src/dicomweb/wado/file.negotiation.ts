import type { FoundInstance } from '../../catalog/lookup.service.js';
import {
  canBeConverted,
  canBeDecoded,
  compressionOf,
  EXPLICIT_LITTLE_ENDIAN,
} from '../../dicom/transfer.syntaxes.js';
import { NotAcceptable } from '../../problems/errors.js';
import { covers, type MediaRange } from '../http/accept.js';
import { isMultipart } from './wado.negotiation.js';

/** How files are sent: multipart or single body, and the transfer syntax of each instance. */
export interface FileRepresentation {
  readonly multipart: boolean;
  /** The transfer syntax to which an instance is converted. `undefined`: it is sent as stored. */
  readonly into: (instance: FoundInstance) => string | undefined;
}

const FILE = 'application/dicom';

/** Does the same as {@link findFile}, but throws `NotAcceptable` when the client accepts no available form. */
export function negotiateFile(
  accepted: readonly MediaRange[],
  instances: readonly FoundInstance[],
  single: boolean,
): FileRepresentation {
  const found = findFile(accepted, instances, single);
  if (found !== undefined) return found;
  throw new NotAcceptable(
    'not-acceptable',
    'Instances are available as multipart/related; type="application/dicom". ' +
      'They cannot be converted to the requested transfer syntax. For the stored form, add transfer-syntax=*.',
  );
}

/**
 * The client's preferred form of DICOM files. `undefined` when the client accepts no available form of one of the instances. Each instance
 * has the form with the highest weight that is available for it. If the client prefers several forms equally, the instance is sent as
 * stored. `single`: only one instance was requested.
 */
export function findFile(
  accepted: readonly MediaRange[],
  instances: readonly FoundInstance[],
  single: boolean,
): FileRepresentation | undefined {
  const ranges = accepted.flatMap((range) => {
    const shape = fileShape(range, single);
    return shape === undefined
      ? []
      : [{ multipart: shape === 'parts', syntax: fileSyntax(range), q: range.q }];
  });
  const forms = instances.map((instance) => bestForm(ranges, instance));
  const [first] = forms;
  if (first === undefined || forms.includes(undefined)) return undefined;
  return { multipart: first.multipart, into: (instance) => bestForm(ranges, instance)?.into };
}

interface FileRange {
  readonly multipart: boolean;
  readonly syntax: string | undefined;
  readonly q: number;
}

/** A form of one file. `into`: the transfer syntax to which it is converted. `undefined`: as stored. */
interface FileForm {
  readonly multipart: boolean;
  readonly into: string | undefined;
}

function bestForm(ranges: readonly FileRange[], instance: FoundInstance): FileForm | undefined {
  let best: (FileForm & { readonly q: number }) | undefined;
  for (const { multipart, syntax, q } of ranges) {
    const form = formIn(syntax, instance);
    if (form === undefined) continue;
    const into = form === instance.transferSyntax ? undefined : form;
    const isBetter = best === undefined || q > best.q;
    const isLessWork = q === best?.q && best.into !== undefined && into === undefined;
    if (isBetter || isLessWork) best = { multipart, into, q };
  }
  return best;
}

/**
 * The transfer syntax of a file for an accepted one. `undefined` as `asked`: the client named none. Then the default is Explicit VR Little
 * Endian, and a file that cannot be converted to it, such as a video, is sent as stored. A compressed transfer syntax is about pixels: an
 * object without pixels comes in Explicit VR Little Endian, which has the same encoding.
 */
function formIn(asked: string | undefined, instance: FoundInstance): string | undefined {
  const { transferSyntax: stored, rows, columns } = instance;
  if (asked === '*' || asked === stored) return stored;
  if (asked === undefined)
    return canBeConverted(instance, EXPLICIT_LITTLE_ENDIAN) ? EXPLICIT_LITTLE_ENDIAN : stored;
  if (canBeConverted(instance, asked)) return asked;
  const hasPixels = rows !== undefined || columns !== undefined;
  const isCompressed = compressionOf(asked) !== undefined;
  return isCompressed && !hasPixels && canBeDecoded(instance) ? EXPLICIT_LITTLE_ENDIAN : undefined;
}

function fileShape(range: MediaRange, single: boolean): 'parts' | 'body' | undefined {
  const type = range.parameters.get('type')?.toLowerCase() ?? FILE;
  if (isMultipart(range)) return type === FILE ? 'parts' : undefined;
  if (range.type === '*/*' && covers(range, 'multipart/related')) return 'parts';
  return single && covers(range, FILE) ? 'body' : undefined;
}

/**
 * The transfer syntax of a media range for files. `undefined`: the range names `application/dicom` without a transfer syntax. A range that does
 * not name this media type accepts any transfer syntax.
 */
function fileSyntax({ type, parameters }: MediaRange): string | undefined {
  const isNamed = (type === 'multipart/related' ? parameters.get('type')?.toLowerCase() : type) === FILE;
  return parameters.get('transfer-syntax') ?? (isNamed ? undefined : '*');
}
