import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PixelsRefused } from '../pixels.refused.js';

declare global {
  /** The part of the JavaScript interface of WebAssembly that is used here. The types of Node do not have it. */
  namespace WebAssembly {
    interface Module {
      readonly [Symbol.toStringTag]: string;
    }
    interface Instance {
      readonly [Symbol.toStringTag]: string;
      readonly exports: Readonly<Record<string, unknown>>;
    }
    const Module: new (program: Uint8Array<ArrayBuffer>) => Module;
    const Instance: new (module: Module, imports: object) => Instance;
  }
}

/** A decoder of a codec (Embind). Its buffers are parts of the memory of its instance. */
export interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): WasmFrameInfo;
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

/** The image as the compressed stream describes it. */
export interface WasmFrameInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
}

/** Creates an instance of a codec. */
export type WasmFactory<Codec> = (options: {
  instantiateWasm(imports: object, receive: (instance: WebAssembly.Instance) => void): object;
  print(text: string): void;
  printErr(text: string): void;
}) => Promise<Codec>;

/** Largest memory of an instance in pages of 64 KiB: 512 MiB. */
const MOST_PAGES = 8192;
const MEMORY_SECTION = 5;

const load = createRequire(import.meta.url);
const modules = new Map<string, WebAssembly.Module>();

/** The JavaScript part and the WebAssembly file of a codec. The codecs have no types of their own. */
export interface WasmProgram<Codec> {
  readonly factory: WasmFactory<Codec>;
  readonly wasm: string;
}

/** Loads the JavaScript part of a codec. `script` and `wasm`: the names of its modules. */
export function wasmProgram<Codec>(script: string, wasm: string): WasmProgram<Codec> {
  const factory: WasmFactory<Codec> = load(script);
  return { factory, wasm };
}

/** Loads the JavaScript part of a codec that is an ECMAScript module, like {@link wasmProgram}. */
export function wasmModuleProgram<Codec>(script: string, wasm: string): WasmProgram<Codec> {
  const { default: factory }: { readonly default: WasmFactory<Codec> } = load(script);
  return { factory, wasm };
}

/**
 * Decodes in a fresh instance of a codec, so that no bytes of an earlier image are in its memory. `read`: reads the result while the decoder
 * exists. Its `decode` decodes the whole image, unless it gets another function. Throws `PixelsRefused` when the codec refuses the bytes.
 */
export function decodeInInstance<Codec, Result>(
  program: WasmProgram<Codec>,
  encoded: Uint8Array,
  read: (
    codec: Codec,
    decode: <Decoder extends WasmDecoder>(decoder: Decoder, run?: (decoder: Decoder) => void) => Decoder,
  ) => Result,
): Promise<Result> {
  return inInstance(program, 'the compressed pixels are broken', (codec, keep) =>
    read(codec, (decoder, run = (one) => one.decode()) => {
      keep(decoder);
      decoder.getEncodedBuffer(encoded.length).set(encoded);
      run(decoder);
      return decoder;
    }),
  );
}

/** An object of a codec that must be deleted. */
interface Deletable {
  delete(): void;
}

/**
 * Uses a fresh instance of a codec. `keep`: an object of the codec that is deleted at the end. `refusal`: why the codec refuses. Throws
 * `PixelsRefused` when the codec throws an exception.
 */
export async function inInstance<Codec, Result>(
  { factory, wasm }: WasmProgram<Codec>,
  refusal: string,
  use: (codec: Codec, keep: <One extends Deletable>(one: One) => One) => Result,
): Promise<Result> {
  const module = wasmModule(wasm);
  const codec = await factory({
    instantiateWasm: (imports, receive) => {
      const instance = wasmInstance(module, imports);
      receive(instance);
      return instance.exports;
    },
    print: () => undefined,
    printErr: () => undefined,
  });
  const kept: Deletable[] = [];
  try {
    return use(codec, (one) => {
      kept.push(one);
      return one;
    });
  } catch (error) {
    // A codec throws numbers, which are pointers to C++ exceptions. A trap ends the worker.
    if (error instanceof Error) throw error;
    throw new PixelsRefused(refusal);
  } finally {
    for (const one of kept) one.delete();
  }
}

/** The compiled WebAssembly file of a codec, with bounded memory. `wasm`: the name of its module. */
export function wasmModule(wasm: string): WebAssembly.Module {
  const known = modules.get(wasm);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(boundedMemory(readFileSync(load.resolve(wasm))));
  modules.set(wasm, module);
  return module;
}

/** A fresh instance of a compiled WebAssembly file. */
export function wasmInstance(module: WebAssembly.Module, imports: object): WebAssembly.Instance {
  return new WebAssembly.Instance(module, imports);
}

/**
 * Lowers the maximum of the memory of a WebAssembly program to 512 MiB (WebAssembly core specification §5.5.8). The number keeps its length
 * in bytes, so that nothing else moves. Throws an error when the program has no such memory.
 */
export function boundedMemory(program: Buffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program);
  let at = 8;
  const number = (): number => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const section = number();
    const size = number();
    if (section !== MEMORY_SECTION) {
      at += size;
      continue;
    }
    const [count, flags] = [number(), number()];
    number();
    const start = at;
    const most = number();
    if (count !== 1 || flags !== 1 || most < MOST_PAGES) break;
    for (let index = start, rest = MOST_PAGES; index < at; index += 1, rest = Math.floor(rest / 128))
      bytes[index] = (rest % 128) + (index < at - 1 ? 128 : 0);
    return bytes;
  }
  throw new Error('The memory of a codec cannot be bounded.');
}
