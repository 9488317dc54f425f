import { Module } from '@nestjs/common';
import { FileCache } from './file.cache.js';

/** Finished response bodies as files. */
@Module({ providers: [FileCache], exports: [FileCache] })
export class CacheModule {}
