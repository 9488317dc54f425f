import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { IdPipe } from '../../http/body.pipe.js';

const Parameters = z.object({ id: z.unknown() });
const pipe = new IdPipe();

/**
 * Passes the id of the import in the path (`:id`) to a handler: `@ImportId() id: string`. The audit row of the request also contains this
 * id.
 */
export const ImportId = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const id = pipe.transform(Parameters.parse(request.params).id);
  request.auditNote = { detail: { import: id } };
  return id;
});
