const ESC = 0x1b;
const SPACE = 0x20;

/** A code element: the number of bytes per character, and a decoder for these bytes. */
interface CodeElement {
  width: 1 | 2;
  decode: (bytes: Buffer) => string;
}

const latin1: CodeElement = { width: 1, decode: (bytes) => bytes.toString('latin1') };
const katakana = single('shift_jis');
const ks1001 = double('euc-kr');
const gb2312 = double('gbk');
const jis208 = double('euc-jp');
const jis212: CodeElement = {
  width: 2,
  decode: (bytes) => decodeAs('euc-jp', Buffer.concat(pairs(bytes).map((pair) => Buffer.of(0x8f, ...pair)))),
};

/**
 * Code elements of the upper half of the code table (G1). Each key is a defined term without its prefix (PS3.3 §C.12.1.1.2, tables C.12-2
 * to C.12-4).
 */
const UPPER: ReadonlyMap<string, CodeElement> = new Map([
  ['100', latin1],
  ['101', single('iso-8859-2')],
  ['109', single('iso-8859-3')],
  ['110', single('iso-8859-4')],
  ['144', single('iso-8859-5')],
  ['127', single('iso-8859-6')],
  ['126', single('iso-8859-7')],
  ['138', single('iso-8859-8')],
  ['148', single('windows-1254')],
  ['203', single('iso-8859-15')],
  ['166', single('windows-874')],
  ['13', katakana],
  ['149', ks1001],
  ['58', gb2312],
]);

/** A code element, and the half of the code table to which an escape sequence assigns it. */
interface Escape {
  half: 'lower' | 'upper';
  code: CodeElement;
}

const lower = (code: CodeElement): Escape => ({ half: 'lower', code });
const upper = (term: string): Escape => ({ half: 'upper', code: UPPER.get(term) ?? latin1 });

/** Escape sequences (PS3.3 tables C.12-3 and C.12-4). Each key is the characters after ESC. */
const ESCAPES: ReadonlyMap<string, Escape> = new Map([
  ['(B', lower(latin1)],
  ['(J', lower(latin1)],
  ['$B', lower(jis208)],
  ['$@', lower(jis208)],
  ['$(D', lower(jis212)],
  [')I', upper('13')],
  ['$)C', upper('149')],
  ['$)A', upper('58')],
  ['-A', upper('100')],
  ['-B', upper('101')],
  ['-C', upper('109')],
  ['-D', upper('110')],
  ['-L', upper('144')],
  ['-G', upper('127')],
  ['-F', upper('126')],
  ['-H', upper('138')],
  ['-M', upper('148')],
  ['-b', upper('203')],
  ['-T', upper('166')],
]);

const WHOLE: ReadonlyMap<string, string> = new Map([
  ['ISO_IR 192', 'utf-8'],
  ['GB18030', 'gb18030'],
  ['GBK', 'gbk'],
]);

/**
 * Decodes text in the given Specific Character Set (0008,0005; PS3.5 §6.1), with or without ISO 2022 code extensions. If the character set
 * is unknown or missing, the text is decoded as Latin-1, as in Orthanc. `resets`: the characters that end code extensions, besides tabs and
 * line ends.
 */
export function decodeText(bytes: Buffer, characterSet: string, resets: string): string {
  if (isPlain(bytes)) return bytes.toString('latin1');
  const first = characterSet.split('\\', 1)[0]?.trim() ?? '';
  const whole = WHOLE.get(first);
  if (whole !== undefined) return decodeAs(whole, bytes);
  const initial = UPPER.get(/^ISO(?:_IR| 2022 IR) (\d+)$/.exec(first)?.[1] ?? '') ?? latin1;
  return decodeExtended(bytes, initial, new Set(Buffer.from(`${resets}\t\n\f\r`)));
}

/** Whether the text is ASCII without escape sequences. The function uses a plain loop for speed, because nearly all text is ASCII. */
function isPlain(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte >= 0x80 || byte === ESC) return false;
  return true;
}

function decodeExtended(bytes: Buffer, initial: CodeElement, resets: Set<number>): string {
  const text: string[] = [];
  const active = { lower: latin1, upper: initial };
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    if (byte === ESC) {
      const length = bytes[at + 1] === 0x24 && /[()]/.test(bytes.toString('latin1', at + 2, at + 3)) ? 3 : 2;
      const escape = ESCAPES.get(bytes.toString('latin1', at + 1, at + 1 + length));
      if (escape !== undefined) active[escape.half] = escape.code;
      at += escape === undefined ? 1 : length + 1;
      continue;
    }
    // Characters of two bytes have no byte below 0x21. So a line end or a space means that the writer omitted the escape to ASCII.
    if (byte <= SPACE) active.lower = latin1;
    if (active.lower.width === 1 && resets.has(byte)) active.upper = initial;
    const high = byte >= 0x80;
    const code = high ? active.upper : active.lower;
    let end = at + code.width;
    while (end < bytes.length && usesSameCode(bytes[end] ?? 0, high, code, resets)) end += code.width;
    text.push(code.decode(bytes.subarray(at, end)));
    at = end;
  }
  return text.join('');
}

/** Whether the character that begins with `byte` uses the code element `code`. */
function usesSameCode(byte: number, high: boolean, code: CodeElement, resets: Set<number>): boolean {
  if (byte === ESC || byte >= 0x80 !== high) return false;
  return code.width === 2 ? byte > SPACE : !resets.has(byte);
}

function single(label: string): CodeElement {
  return { width: 1, decode: (bytes) => decodeAs(label, bytes) };
}

/**
 * A code element of two bytes per character. In the lower half of the code table, the high bits of the bytes are zero. The function sets
 * these bits to one, because the decoder expects this.
 */
function double(label: string): CodeElement {
  return { width: 2, decode: (bytes) => decodeAs(label, Buffer.from(bytes.map((byte) => byte | 0x80))) };
}

function pairs(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    found.push(Buffer.of((bytes[at] ?? 0) | 0x80, (bytes[at + 1] ?? 0) | 0x80));
  }
  return found;
}

function decodeAs(label: string, bytes: Buffer): string {
  return new TextDecoder(label, { ignoreBOM: true }).decode(bytes);
}
