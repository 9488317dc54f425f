import { Injectable, RequestMethod } from '@nestjs/common';
import {
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { z } from 'zod';
import { ACCESS } from '../authn/access.decorators.js';
import { QUERIED } from '../http/query.shape.js';
import { type Given, GIVES } from '../http/response.shape.js';

/** A route with the values that its decorators and its docstring declare. */
export interface DeclaredRoute {
  /** The HTTP method in upper case. */
  readonly method: string;
  /** The path in Nest's notation, with `:name` and `*`. */
  readonly path: string;
  readonly name: string;
  /** The text of the docstring. */
  readonly words: string;
  readonly access: 'public' | 'account' | readonly string[];
  readonly status: number;
  readonly body: z.ZodType | undefined;
  readonly query: readonly z.ZodType[];
  /** The successful response, or `undefined` if the route does not declare it. */
  readonly gives: Given | undefined;
}

const Paths = z
  .union([z.string(), z.array(z.string())])
  .transform((paths) => (typeof paths === 'string' ? [paths] : paths));
const Access = z.union([z.literal('public'), z.literal('account'), z.array(z.string())]);
/** The pipes of each parameter. The key is `type:index`. */
const Arguments = z
  .record(z.string(), z.looseObject({ pipes: z.array(z.unknown()).default([]) }))
  .default({});
const Shape = z
  .object({
    content: z.record(z.string(), z.instanceof(z.ZodType).nullable()),
    at: z.array(z.number()).optional(),
  })
  .optional();
const Parsing = z.object({ schema: z.instanceof(z.ZodType) });
const Schemas = z.array(z.instanceof(z.ZodType)).default([]);

/** Reads all routes from their decorators and docstrings. The OpenAPI document therefore cannot differ from the code. */
@Injectable()
export class DeclaredRoutes {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  /** Returns all routes of all controllers. */
  all(): DeclaredRoute[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => this.routesOf(metatype));
  }

  private routesOf(controller: unknown): DeclaredRoute[] {
    if (typeof controller !== 'function') return [];
    const prototype: unknown = controller.prototype;
    if (typeof prototype !== 'object' || prototype === null) return [];
    const roots = Paths.parse(Reflect.getMetadata(PATH_METADATA, controller));
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function' || !Reflect.hasMetadata(PATH_METADATA, handler)) return [];
      const method = RequestMethod[z.number().parse(Reflect.getMetadata(METHOD_METADATA, handler))] ?? 'GET';
      const paths = Paths.parse(Reflect.getMetadata(PATH_METADATA, handler));
      const pipes = pipesOf(Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name));
      const declare = (path: string): DeclaredRoute => ({
        path,
        method,
        name: `${controller.name.replace(/Controller$/, '')}.${name}`,
        words: docstring(controller.toString(), name),
        access: Access.parse(this.reflector.getAllAndOverride<unknown>(ACCESS, [handler, controller])),
        status: z
          .number()
          .default(method === 'POST' ? 201 : 200)
          .parse(Reflect.getMetadata(HTTP_CODE_METADATA, handler)),
        body: pipes(RouteParamtypes.BODY)[0],
        query: [...pipes(RouteParamtypes.QUERY), ...Schemas.parse(Reflect.getMetadata(QUERIED, handler))],
        gives: Shape.parse(Reflect.getMetadata(GIVES, handler)),
      });
      return roots.flatMap((root) => paths.map((path) => declare(joined(root, path))));
    });
  }
}

function pipesOf(metadata: unknown): (type: RouteParamtypes) => z.ZodType[] {
  const parameters = Object.entries(Arguments.parse(metadata));
  return (type) =>
    parameters
      .filter(([key]) => key.startsWith(`${type}:`))
      .flatMap(([, { pipes }]) => pipes)
      .flatMap((pipe) => Parsing.safeParse(pipe).data?.schema ?? []);
}

function joined(...parts: readonly string[]): string {
  return `/${parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '')
    .join('/')}`;
}

/** Returns the docstring of a method, from the source text of the compiled class. */
function docstring(source: string, name: string): string {
  const before =
    new RegExp(String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s*(?:async )?${name}\(`).exec(source)?.[1] ?? '';
  return before
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join(' ')
    .trim();
}
