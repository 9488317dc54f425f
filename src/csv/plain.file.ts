import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { gunzipCapped, recogniseContainer } from './csv.container.js';
import { FileRefused } from './csv.refusal.js';
import { openDocumentLines } from './open.document.js';
import type { SheetChoice } from './sheet.choice.js';
import { sheetLines } from './sheet.lines.js';
import { CsvProbe, type ProbeFacts } from './csv.probe.js';

const Bytes = z.instanceof(Buffer);
/** The number of bytes that are sufficient to detect the container. */
const HEAD = 512;

/**
 * The bytes of a text file, the decompressed bytes of a gzip file, or a sheet of an XLSX or ODS workbook as CSV. Each call of `open` opens
 * the file from its start. Throws `FileRefused` for other files.
 */
export async function* plainBytes(open: () => Readable, choice: SheetChoice = {}): AsyncGenerator<Buffer> {
  const file = open();
  try {
    const { head, whole } = await beginningOf(file);
    const container = recogniseContainer(head);
    if (container === 'workbook') yield* sheetLines(() => bytesOf(open()), choice);
    else if (container === 'open-document') yield* openDocumentLines(() => bytesOf(open()), choice);
    else if (choice.sheet !== undefined) throw new FileRefused('file-sheet-unexpected');
    else if (container === 'text') yield* whole();
    else yield* decompress(whole());
  } finally {
    file.destroy();
  }
}

async function* bytesOf(file: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of file) yield Bytes.parse(chunk);
}

/** The first bytes of a file, and a function that yields all its bytes. */
async function beginningOf(file: Readable) {
  const source: AsyncIterator<unknown> = file[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (head.length < HEAD && !ended) {
    const next = await source.next();
    ended = next.done === true;
    if (!ended) head = Buffer.concat([head, Bytes.parse(next.value)]);
  }
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield head;
    for (
      let next = ended ? undefined : await source.next();
      next !== undefined && next.done !== true;
      next = await source.next()
    )
      yield Bytes.parse(next.value);
  };
  return { head, whole };
}

async function* decompress(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { input, output } = gunzipCapped();
  // If the input fails, the output must fail too.
  const feeding = pipeline(Readable.from(packed), input).catch(() => undefined);
  yield* output;
  await feeding;
}

/** Collects the facts of a file in one pass. */
export async function probeFile(open: () => Readable, sheet?: string): Promise<ProbeFacts> {
  const probe = new CsvProbe();
  let sheets: number | undefined;
  const onSheets = (count: number) => void (sheets = count);
  for await (const chunk of plainBytes(open, { sheet, onSheets })) probe.push(chunk);
  return { ...probe.finish(), ...(sheets === undefined ? {} : { sheet, sheets }) };
}
