import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import type { ImageHeader } from '../../pixels/image.header.js';
import { OVERLAYS } from '../../pixels/marks/overlay.planes.js';
import { pixelAspect } from '../../pixels/pixel.aspect.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { type Presentation, presentationOf } from '../../pixels/presentation.js';
import type { Arrangement } from '../../pixels/states/arranged.picture.js';
import { areaAspect, placementOf } from '../../pixels/states/displayed.area.js';
import {
  planesByState,
  presentationByState,
  showsImagePlanes,
  STATE,
} from '../../pixels/states/shown.state.js';
import { marksOf } from '../../pixels/states/state.graphics.js';
import { isReferenced } from '../../pixels/states/state.references.js';
import type { Viewport } from '../../pixels/viewport.js';
import { BadRequest, NotAcceptable } from '../../problems/errors.js';
import { contentKey, ImageHeaders, isUnusable } from './image.headers.js';

/** A presentation state. `key` names its content. The JSON of a state has no function, so the key represents the state there. */
export interface NamedState {
  readonly key: string;
  readonly sopClassUid: string;
  readonly read: () => Promise<SelectedValues>;
}

/** How a presentation state shows a frame. */
interface AppliedState {
  readonly presentation: Presentation;
  readonly arrangement: Arrangement;
}

/** Applies presentation states (PS3.3 §A.33) to frames. */
@Injectable()
export class AppliedStates {
  constructor(private readonly headers: ImageHeaders) {}

  /** A state that the account may read. Its file is read when it is applied. */
  named(state: FoundInstance): NamedState {
    const read = () => refusing(() => this.headers.elements(state, 'state', STATE));
    return { key: contentKey(state), sopClassUid: state.sopClassUid, read };
  }

  /**
   * Returns how a state shows a frame (counted from 1). Throws `BadRequest` if the state does not refer to the frame, and `NotAcceptable` if
   * the state is malformed, has too many graphics, or shows no part of the image.
   */
  async apply(
    instance: FoundInstance,
    frame: number,
    { format, values }: ImageHeader,
    { sopClassUid, read }: NamedState,
    viewport: Viewport | undefined,
  ): Promise<AppliedState> {
    const state = await read();
    const target = { sopUid: instance.sopUid, frame };
    if (!isReferenced(state, target))
      throw new BadRequest(
        'invalid-parameter',
        'The presentation state does not refer to this image or frame. Name a presentation state that refers to it.',
      );
    const image = showsImagePlanes(state)
      ? await this.headers.elements(instance, 'overlays', OVERLAYS)
      : undefined;
    return refusing(() => {
      const aspect = areaAspect(state, target) ?? pixelAspect(values, frame);
      const own = presentationOf(values, format, frame);
      const presentation = presentationByState(state, sopClassUid, target, format, aspect, own);
      const size = { width: format.columns, height: format.rows };
      const placement = placementOf(state, target, size, aspect, viewport);
      if (placement === undefined)
        throw new PixelsRefused('the displayed area of the presentation state is outside of the image');
      const marks = marksOf(state, target, planesByState(state, image, frame));
      return { presentation, arrangement: { placement, marks } };
    });
  }
}

/** Tells faults of the state apart from faults of the image. */
async function refusing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnusable(error)) throw error;
    const reason = error instanceof PixelsRefused ? error.message : 'its file is malformed';
    throw new NotAcceptable(
      'not-decodable',
      `The presentation state cannot be applied: ${reason}. Leave out presentationUID to see the image without it.`,
    );
  }
}
