import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { OpenApi } from './document.service.js';
import { OpenApiController } from './openapi.controller.js';
import { DeclaredRoutes } from './routes.reader.js';

/** The OpenAPI document and its HTML page. */
@Module({
  imports: [DiscoveryModule],
  controllers: [OpenApiController],
  providers: [OpenApi, DeclaredRoutes],
})
export class OpenApiModule {}
