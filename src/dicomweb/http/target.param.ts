import { Param } from '@nestjs/common';
import { z } from 'zod';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';

/** The UIDs in a path. `series` and `instance` are optional, because not all routes contain them. */
const PathUids = z.object({
  study: StudyUid,
  series: SeriesUid.optional(),
  instance: SopUid.optional(),
});

/**
 * Passes the UIDs of the path to a handler: `@Target() target: ResourceUids`. A malformed UID is answered with status 400 before the
 * handler runs.
 */
export const Target = (): ParameterDecorator => Param({ schema: PathUids });
