import { Module } from '@nestjs/common';
import { OrthancApi } from './orthanc.api.js';
import { OrthancBytes } from './orthanc.bytes.js';

@Module({ providers: [OrthancApi, OrthancBytes], exports: [OrthancApi, OrthancBytes] })
export class OrthancModule {}
