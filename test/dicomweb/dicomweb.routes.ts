import { RequestMethod } from '@nestjs/common';
import { z } from 'zod';
import { DicomwebModule } from '../../src/dicomweb/dicomweb.module.js';

const Controllers = z.array(z.custom<new (...given: never[]) => object>((one) => typeof one === 'function'));
const Paths = z
  .union([z.string(), z.array(z.string())])
  .transform((paths) => (Array.isArray(paths) ? paths : [paths]));

/** `METHOD /path` of every route whose path has this first segment, sorted. Parameters are written as `{name}`, and `*` as `{path}`. */
export function routesOf(first: string): string[] {
  return Controllers.parse(Reflect.getMetadata('controllers', DicomwebModule))
    .flatMap((controller) => routesOfController(controller))
    .filter((route) => route.split(/[ /]/)[2] === first)
    .toSorted();
}

function routesOfController(controller: new (...given: never[]) => object): string[] {
  const prototype: object = controller.prototype;
  const bases = Paths.parse(Reflect.getMetadata('path', controller));
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler: unknown = Reflect.get(prototype, name);
    if (name === 'constructor' || typeof handler !== 'function' || !Reflect.hasMetadata('path', handler))
      return [];
    const method = RequestMethod[z.number().parse(Reflect.getMetadata('method', handler))];
    const paths = Paths.parse(Reflect.getMetadata('path', handler));
    return bases.flatMap((base) => paths.map((path) => `${method} ${templateOf(base, path)}`));
  });
}

function templateOf(base: string, path: string): string {
  const whole = `/${base}/${path}`.replace(/\/+/g, '/').replace(/\/$/, '');
  return whole.replace(/:([a-z]+)/g, '{$1}').replace('*', '{path}');
}
