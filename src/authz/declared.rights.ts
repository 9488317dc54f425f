import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ACCESS } from '../authn/access.decorators.js';

/** Prevents the start of the gateway when a route declares no access: no right, no `@AnyAccount()` and no `@Public()`. */
@Injectable()
export class DeclaredRights implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const open = this.discovery
      .getControllers()
      .flatMap((wrapper) => this.undeclaredRoutes(wrapper.metatype));
    if (open.length > 0) throw new Error(`These routes declare no right: ${open.join(', ')}`);
  }

  private undeclaredRoutes(controller: unknown): string[] {
    if (typeof controller !== 'function') return [];
    const prototype: unknown = controller.prototype;
    if (typeof prototype !== 'object' || prototype === null) return [];
    return this.scanner
      .getAllMethodNames(prototype)
      .map((name) => ({ name, handler: Reflect.get(prototype, name) }))
      .filter(({ handler }) => typeof handler === 'function' && Reflect.hasMetadata(PATH_METADATA, handler))
      .filter(
        ({ handler }) =>
          this.reflector.getAllAndOverride<unknown>(ACCESS, [handler, controller]) === undefined,
      )
      .map(({ name }) => `${controller.name}.${name}`);
  }
}
