import { Controller, Headers, HttpCode, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Who } from '../../authn/access.decorators.js';
import type { Account } from '../../authn/account.js';
import { Requires } from '../../authz/authz.guard.js';
import { type DicomwebRequest, Incoming } from '../../dicomweb/http/dicomweb.request.js';
import { StowBody, type UploadedBody } from '../../dicomweb/stow/stow.body.js';
import { BodyOf } from '../../http/body.pipe.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Gives } from '../../http/response.shape.js';
import { kindOf } from '../storing/file.kinds.js';
import { StagedUploads } from '../storing/staged.uploads.js';
import { UploadTarget } from '../storing/upload.target.js';
import { FileUploads } from '../storing/uploads.service.js';
import { UploadIntake } from './upload.intake.js';
import { noteOfUpload, UploadReport, uploadReport } from './upload.report.js';

const FORM_FIELDS = new BodyOf(UploadTarget);

/** Files that people bring: DICOM files, pictures and documents. */
@Controller('api/uploads')
export class UploadsController {
  constructor(
    private readonly intake: UploadIntake,
    private readonly uploads: FileUploads,
    private readonly files: StagedUploads,
  ) {}

  /**
   * Stores a file as DICOM: a DICOM file as it is, a JPEG or PNG picture as VL Photographic or Secondary Capture Image, a PDF document as
   * Encapsulated PDF. The body is the file itself, with its name in `X-File-Name`, or `multipart/form-data` with a part named file; the
   * parameters can also be parts of the form. Returns 201 with `Location`. If the same file was uploaded for the same target before, returns
   * 200 with the earlier upload. A DICOM file that belongs to another patient than the request says is never changed: it waits in
   * quarantine, and the response is 202. Returns 404 if the account may not store there, and 422 if the file cannot be opened.
   */
  @Post()
  @HttpCode(201)
  @Gives(UploadReport, 201, 200, 202)
  @Requires('studies:store')
  async upload(
    @Incoming() request: DicomwebRequest,
    @Who() account: Account,
    @Query(new QueryOf(UploadTarget)) query: UploadTarget,
    @Headers('x-file-name') name: string | undefined,
    @StowBody() body: UploadedBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UploadReport> {
    const { id, head, original, fields } = await this.intake.receive(body, name);
    request.note({ bytes: original.bytes, detail: { upload_id: id } });
    try {
      const target = FORM_FIELDS.transform({ ...query, ...fields });
      const { policy, signal } = request;
      const kind = kindOf(head);
      const upload = { id, account, policy, target, kind, original, signal };
      const { row, isNew } = await this.uploads.store(upload);
      request.note({ ...noteOfUpload(row), bytes: row.bytes, instances: isNew ? 1 : 0 });
      const status = row.state === 'quarantined' ? 202 : isNew ? 201 : 200;
      void reply.status(status).header('location', `/api/uploads/${row.id}`);
      return uploadReport(row);
    } catch (error) {
      await this.files.remove(id);
      throw error;
    }
  }
}
