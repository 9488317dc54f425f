import { Module } from '@nestjs/common';
import { SealedBox } from './sealed.box.js';
import { SealedStreams } from './sealed.streams.js';

@Module({ providers: [SealedBox, SealedStreams], exports: [SealedBox, SealedStreams] })
export class SecretsModule {}
