import { Module } from '@nestjs/common';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [OrthancModule], controllers: [HealthController] })
export class HealthModule {}
