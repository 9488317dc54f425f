import { Param } from '@nestjs/common';
import { z } from 'zod';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';

/** The UIDs in a path. `series` and `instance` are absent where the route does not name them. */
const PathUids = z.object({
  study: StudyUid,
  series: SeriesUid.optional(),
  instance: SopUid.optional(),
});

/**
 * The study, series or instance that the path names: `@Target() target: ResourceUids`. A malformed UID is refused with status 400
 * before the handler runs.
 */
export const Target = (): ParameterDecorator => Param({ schema: PathUids });
