/** A picture whose samples can be changed, with 8 bits per sample: grey (1 channel), or red, green and blue (3 channels). */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly samples: Uint8Array;
}
