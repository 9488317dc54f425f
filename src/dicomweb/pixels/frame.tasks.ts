import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { codecOf, type Compression } from '../../dicom/transfer.syntaxes.js';
import { Slots } from '../../limits/slots.js';
import { type ColourConversion, profileOfPicture } from '../../pixels/colours/colour.conversion.js';
import { profileOf, PROFILES } from '../../pixels/colours/image.profile.js';
import type { ColourSpaceName } from '../../pixels/colours/known.profiles.js';
import type { EncodedFrame } from '../../pixels/encoders/frame.encoder.js';
import type { DecodedFrame } from '../../pixels/frame.decoder.js';
import type { RenderedFrame, StoredFrame } from '../../pixels/frame.renderer.js';
import { FrameWorkers, PIXEL_WORKERS } from '../../pixels/frame.workers.js';
import type { ImageHeader } from '../../pixels/image.header.js';
import { type Annotation, type Captions, CAPTIONS, captionsOf } from '../../pixels/marks/captions.js';
import { type OverlayPlane, OVERLAYS, overlaysOf } from '../../pixels/marks/overlay.planes.js';
import { pixelAspect } from '../../pixels/pixel.aspect.js';
import { type PictureExtras, scaledPicture } from '../../pixels/picture.encoder.js';
import { frameBits, isColour } from '../../pixels/pixel.format.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { mayBeHalved, presentationOf } from '../../pixels/presentation.js';
import {
  halvingsOf,
  ofWhole,
  type PictureGeometry,
  pictureGeometry,
  type Viewport,
} from '../../pixels/viewport.js';
import type { VoiWindow } from '../../pixels/voi.functions.js';
import { NotAcceptable } from '../../problems/errors.js';
import { isArranged } from '../../pixels/states/arranged.picture.js';
import { AppliedStates, type NamedState } from './applied.states.js';
import { FrameSource } from './frame.source.js';
import { contentKey, ImageHeaders, isUnusable } from './image.headers.js';

/** Largest number of frames that are fetched and processed at the same time, in total and for one account, and that wait. */
const PLACES = PIXEL_WORKERS * 2;
const PLACES_PER_ACCOUNT = Math.max(1, PLACES - 1);
const QUEUE = 256;
/** Frames above this size are processed one at a time. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** What the client asks to see: a viewport, a window, the kinds of annotation, and the colour space (`yes`: the one of the image). */
export interface FrameLook {
  readonly iccprofile?: 'yes' | ColourSpaceName | undefined;
  readonly window?: VoiWindow | undefined;
  readonly annotation?: readonly Annotation[] | undefined;
  /** The presentation state that is applied. */
  readonly state?: NamedState | undefined;
  /** Where the picture is shown. A large compressed image is decoded in a smaller size for a small picture. */
  readonly viewport?: Viewport | undefined;
}

/** What a picture of a frame needs besides its samples. `geometry`: `undefined` if the viewport is outside of the image. */
export interface ShownFrame extends PictureExtras {
  readonly geometry: PictureGeometry | undefined;
}

type Outcome = 'decoded' | 'rendered' | 'compressed';

/** Decodes, renders and compresses frames of stored images in the gateway. The header is checked before pixels are read. */
@Injectable()
export class FrameTasks implements OnApplicationShutdown {
  private readonly workers = new FrameWorkers();
  private readonly places = new Slots({ places: PLACES, perAccount: PLACES_PER_ACCOUNT, queue: QUEUE });
  private readonly large = new Slots({ places: 1, queue: QUEUE });

  constructor(
    private readonly headers: ImageHeaders,
    private readonly source: FrameSource,
    private readonly states: AppliedStates,
  ) {}

  /**
   * Renders a frame (counted from 1) and passes it to `finish`, while it still counts for the limits. Throws `NotAcceptable` when the frame
   * cannot be rendered, and `TooMany` when too many wait.
   */
  rendered<T>(
    instance: FoundInstance,
    frame: number,
    look: FrameLook,
    finish: (rendered: RenderedFrame, shown: ShownFrame) => Promise<T>,
  ): Promise<T> {
    const { state } = look;
    if (state !== undefined) return this.byState(instance, frame, look, state, finish);
    const work = async (header: ImageHeader, stored: () => Promise<StoredFrame>) => {
      const { format, values } = header;
      const image = { width: format.columns, height: format.rows };
      const geometry = pictureGeometry(image, pixelAspect(values, frame), look.viewport);
      const { overlays, captions } = await this.marks(instance, frame, header, look);
      const colours = await this.colours(instance, frame, header, look);
      const presentation = { ...presentationOf(values, format, frame, look.window), overlays, colours };
      const mayHalve = geometry !== undefined && mayBeHalved(presentation, isColour(format));
      const halvings = mayHalve ? halvingsOf(image, geometry) : 0;
      const task = { ...(await stored()), halvings };
      const rendered = await this.workers.render(nameOf(instance, frame), task, presentation);
      instance.signal?.throwIfAborted();
      const profile = colours === undefined ? undefined : profileOfPicture(colours);
      const isHalved = geometry !== undefined && rendered.width < image.width;
      return finish(rendered, {
        geometry: isHalved ? ofWhole(geometry, rendered) : geometry,
        captions,
        profile,
      });
    };
    return this.run(instance, frame, 'rendered', work);
  }

  /**
   * Renders a frame by a presentation state: the part of the image that the state shows, scaled, turned, and with the marks of the state.
   * Throws `BadRequest` if the state does not refer to the frame.
   */
  private byState<T>(
    instance: FoundInstance,
    frame: number,
    look: FrameLook,
    state: NamedState,
    finish: (rendered: RenderedFrame, shown: ShownFrame) => Promise<T>,
  ): Promise<T> {
    const name = `${nameOf(instance, frame)} ${state.key}`;
    const work = async (header: ImageHeader, stored: () => Promise<StoredFrame>) => {
      const applied = await this.states.apply(instance, frame, header, state, look.viewport);
      const { captions } = await this.marks(instance, frame, header, look);
      const colours = await this.colours(instance, frame, header, look);
      const profile = colours === undefined ? undefined : profileOfPicture(colours);
      const rendered = await this.workers.render(name, await stored(), { ...applied.presentation, colours });
      instance.signal?.throwIfAborted();
      const { arrangement } = applied;
      const { region, target } = arrangement.placement;
      const straight = { region, size: target, isMirrored: false, isUpsideDown: false };
      if (!isArranged(arrangement)) return finish(rendered, { geometry: straight, captions, profile });
      const part = await scaledPicture(rendered, straight);
      const picture = await this.workers.arrange(name, part, arrangement);
      const whole = { width: picture.width, height: picture.height };
      const geometry = {
        region: { left: 0, top: 0, ...whole },
        size: whole,
        isMirrored: false,
        isUpsideDown: false,
      };
      return finish(picture, { geometry, captions, profile });
    };
    return this.run(instance, frame, 'rendered', work);
  }

  /** Decodes a frame (counted from 1) to little endian. Throws `NotAcceptable` when it cannot be decoded, and `TooMany`. */
  decoded(instance: FoundInstance, frame: number): Promise<DecodedFrame> {
    const work = async (_: ImageHeader, stored: () => Promise<StoredFrame>) =>
      this.workers.decode(nameOf(instance, frame), await stored());
    return this.run(instance, frame, 'decoded', work);
  }

  /** Compresses a frame (counted from 1) without loss. Throws `NotAcceptable` when it cannot be decoded or compressed, and `TooMany`. */
  encoded(instance: FoundInstance, frame: number, compression: Compression): Promise<EncodedFrame> {
    const work = async (_: ImageHeader, stored: () => Promise<StoredFrame>) =>
      this.workers.encode(nameOf(instance, frame), await stored(), compression);
    return this.run(instance, frame, 'compressed', work);
  }

  /** The header of an image. Throws `NotAcceptable` when the header is unusable. */
  async header(instance: FoundInstance): Promise<ImageHeader> {
    return this.refusing('decoded', () => this.headers.of(instance));
  }

  /** The marks that the client asks for. They are read from the file only then. */
  private async marks(
    instance: FoundInstance,
    frame: number,
    { format, frames }: ImageHeader,
    { annotation }: FrameLook,
  ): Promise<{ readonly overlays: readonly OverlayPlane[]; readonly captions: Captions | undefined }> {
    const asked = new Set<string>(annotation);
    const overlays = asked.has('overlays')
      ? overlaysOf(
          await this.headers.elements(instance, 'overlays', OVERLAYS),
          format,
          frame,
          codecOf(instance.transferSyntax) === undefined,
        )
      : [];
    if (!asked.has('patient') && !asked.has('technique')) return { overlays, captions: undefined };
    const values = await this.headers.elements(instance, 'captions', CAPTIONS);
    return { overlays, captions: captionsOf(values, frame, frames, asked) };
  }

  /** The colours that the client asks for. A grey image is taken as sRGB. */
  private async colours(
    instance: FoundInstance,
    frame: number,
    { format }: ImageHeader,
    { iccprofile }: FrameLook,
  ): Promise<ColourConversion | undefined> {
    if (iccprofile === undefined) return undefined;
    const source = isColour(format)
      ? profileOf(await this.headers.elements(instance, 'profiles', PROFILES), frame)
      : undefined;
    return { source, target: iccprofile === 'yes' ? undefined : iccprofile };
  }

  onApplicationShutdown(): Promise<void> {
    return this.workers.close();
  }

  private run<T>(
    instance: FoundInstance,
    frame: number,
    what: Outcome,
    work: (header: ImageHeader, stored: () => Promise<StoredFrame>) => Promise<T>,
  ): Promise<T> {
    return this.refusing(what, async () => {
      const header = await this.headers.of(instance);
      const { format } = header;
      const codec = codecOf(instance.transferSyntax);
      const stored = async () => ({ format, codec, ...(await this.source.read(instance, header, frame)) });
      const place = () => this.places.run(() => work(header, stored), instance.signal, instance.reader);
      const isLarge = frameBits(format) / 8 > LARGE_BYTES;
      return isLarge ? this.large.run(place, instance.signal, instance.reader) : place();
    });
  }

  private async refusing<T>(what: Outcome, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isUnusable(error)) throw error;
      const reason = error instanceof PixelsRefused ? error.message : 'its file is malformed';
      throw new NotAcceptable(
        'not-decodable',
        `This cannot be ${what}: ${reason}. Ask for the stored form: transfer-syntax=*.`,
      );
    }
  }
}

function nameOf(instance: FoundInstance, frame: number): string {
  return `${contentKey(instance)} ${frame}`;
}
