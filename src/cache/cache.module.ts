import { Module } from '@nestjs/common';
import { FileCache } from './file.cache.js';
import { OutdatedFiles } from './outdated.files.js';

/** Finished response bodies as files. */
@Module({ providers: [FileCache, OutdatedFiles], exports: [FileCache] })
export class CacheModule {}
