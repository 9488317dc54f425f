import { Module } from '@nestjs/common';
import { SealedBox } from './sealed.box.js';

@Module({ providers: [SealedBox], exports: [SealedBox] })
export class SecretsModule {}
