import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

/** The requests with which viewers open a study. */
const OPENING = /^\/dicom-web\/studies\/:study\/(series|metadata|series\/:series\/metadata)$/;
const Parameters = z.object({ study: z.string(), series: z.string().optional() });

/** Tells which studies clients open. Only a request that was allowed to read the study counts. */
@Injectable()
export class OpenedStudies implements OnModuleInit {
  private readonly listeners: ((study: string, series: string | undefined) => void)[] = [];

  constructor(private readonly adapter: HttpAdapterHost) {}

  /** Calls `listener` with the UIDs of the study and of the series that a client has opened. */
  on(listener: (study: string, series: string | undefined) => void): void {
    this.listeners.push(listener);
  }

  onModuleInit(): void {
    const server: FastifyInstance = this.adapter.httpAdapter.getInstance();
    server.addHook('onResponse', (request, reply, done) => {
      if (isOpening(request, reply)) {
        const { study, series } = Parameters.parse(request.params);
        for (const listener of this.listeners) listener(study, series);
      }
      done();
    });
  }
}

function isOpening({ method, routeOptions }: FastifyRequest, reply: FastifyReply): boolean {
  if (method !== 'GET' || !OPENING.test(routeOptions.url ?? '')) return false;
  // A search finds nothing in a study that the account may not read, and is 200.
  return (reply.statusCode === 200 || reply.statusCode === 304) && reply.getHeader('x-total-count') !== '0';
}
