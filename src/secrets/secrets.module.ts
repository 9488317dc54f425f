import { Module } from '@nestjs/common';
import { SealedBox } from './sealed.box.js';
import { SealedFiles } from './sealed.files.js';
import { SealedStreams } from './sealed.streams.js';

@Module({ providers: [SealedBox, SealedFiles, SealedStreams], exports: [SealedBox, SealedFiles] })
export class SecretsModule {}
