import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { DicomwebModule } from '../dicomweb/dicomweb.module.js';
import { SecretsModule } from '../secrets/secrets.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { UploadIntake } from './http/upload.intake.js';
import { UploadRecordsController } from './http/upload.records.controller.js';
import { UploadsController } from './http/uploads.controller.js';
import { FileOpener } from './storing/file.opener.js';
import { StagedUploads } from './storing/staged.uploads.js';
import { UploadRecords } from './storing/upload.records.js';
import { UploadSubjects } from './storing/upload.subjects.js';
import { UploadSweeper } from './storing/upload.sweeper.js';
import { FileUploads } from './storing/uploads.service.js';

/** Files that people bring: they become DICOM and are stored by the steps of STOW. */
@Module({
  imports: [AuditModule, AuthzModule, DicomwebModule, SecretsModule, SyncModule],
  controllers: [UploadsController, UploadRecordsController],
  providers: [
    FileOpener,
    FileUploads,
    StagedUploads,
    UploadIntake,
    UploadRecords,
    UploadSubjects,
    UploadSweeper,
  ],
})
export class UploadsModule {}
