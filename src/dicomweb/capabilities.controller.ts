import { Controller, Inject, Options, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AnyAccount } from '../authn/access.decorators.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NotAcceptable } from '../problems/errors.js';
import { acceptedBy, covers } from './http/accept.js';
import { acceptSourcesOf } from './http/dicomweb.request.js';
import { capabilitiesAsJson, capabilitiesAsWadl, WADL_TYPE } from './capabilities.js';

/** Retrieve Capabilities Transaction (PS3.18 §8.9). */
@Controller('dicom-web')
export class CapabilitiesController {
  constructor(@Inject(ENV) private readonly env: Env) {}

  /**
   * The resources and methods of this service, as WADL or JSON. They are the same for every account. A request for another media type is
   * answered with 406.
   */
  @Options()
  @AnyAccount()
  capabilities(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    const base = `${this.env.PUBLIC_URL}/dicom-web`;
    void reply.header('allow', 'OPTIONS').header('vary', 'Accept');
    for (const range of acceptedBy(acceptSourcesOf(request))) {
      if (covers(range, WADL_TYPE))
        return reply.header('content-type', WADL_TYPE).send(capabilitiesAsWadl(base));
      if (covers(range, 'application/json'))
        return reply.header('content-type', 'application/json').send(capabilitiesAsJson(base));
    }
    throw new NotAcceptable(
      'not-acceptable',
      `The capabilities are available as ${WADL_TYPE} and application/json.`,
    );
  }
}
