import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { MetadataScanner, ModulesContainer, DiscoveryService, NestFactory, Reflector } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { OpenApi } from './openapi/document.service.js';
import { DeclaredRoutes } from './openapi/routes.reader.js';

/**
 * Writes the OpenAPI document to the file that is named on the command line. Nest only reads the declarations of the modules (`preview`): it
 * creates no service, needs no settings and contacts no neighbour. The build of the portal generates its request types from this file.
 */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write: node dist/openapi.command.js FILE');
const app = await NestFactory.createApplicationContext(AppModule, { preview: true, logger: false });
const discovery = new DiscoveryService(app.get(ModulesContainer));
const routes = new DeclaredRoutes(discovery, new MetadataScanner(), new Reflector());
await writeFile(file, JSON.stringify(new OpenApi({ PUBLIC_URL: '/' }, routes).document()));
await app.close();
