/** The image that an encoder compresses. */
interface EncodedImage {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
  readonly isSigned: boolean;
}

/** An encoder of JPEG 2000 or HTJ2K (Embind). Its buffers are parts of the memory of its instance. */
export interface WasmEncoder<Image extends EncodedImage = EncodedImage> {
  /** The buffer for the samples of the image. */
  getDecodedBuffer(image: Image): Uint8Array;
  /** `loss`: the ratio or the step of a compression with loss. It has no meaning without loss. */
  setQuality(isLossless: boolean, loss: number): void;
  setDecompositions(levels: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

/** Compresses without loss and returns a copy of the stream, which leaves the memory of the instance. */
export function losslessStream<Image extends EncodedImage>(
  encoder: WasmEncoder<Image>,
  image: Image,
  samples: Uint8Array,
  levels: number,
): Uint8Array<ArrayBuffer> {
  encoder.getDecodedBuffer(image).set(samples);
  encoder.setQuality(true, 0);
  encoder.setDecompositions(levels);
  encoder.encode();
  return new Uint8Array(encoder.getEncodedBuffer());
}
