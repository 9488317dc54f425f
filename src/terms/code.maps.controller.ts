import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { Who } from '../authn/access.decorators.js';
import type { Account } from '../authn/account.js';
import { Requires } from '../authz/authz.guard.js';
import { IdPipe } from '../http/body.pipe.js';
import { Gives, pageOf } from '../http/response.shape.js';
import { CodeMap, CodeMaps } from './code.maps.service.js';

@Controller('api/terms/code-maps')
export class CodeMapsController {
  constructor(private readonly maps: CodeMaps) {}

  /** Lists the loaded maps from ICD-10 to SNOMED CT. */
  @Get()
  @Gives(pageOf(CodeMap))
  @Requires('records:read')
  async list(): Promise<{ items: CodeMap[]; total: number }> {
    const items = await this.maps.list();
    return { items, total: items.length };
  }

  /**
   * Loads a ConceptMap of FHIR R4 (application/fhir+json, at most 64 MiB) that maps ICD-10 to SNOMED CT, or SNOMED CT to ICD-10. It replaces
   * the map with the same URL. Returns 422 for an invalid map.
   */
  @Post()
  @HttpCode(200)
  @Gives(CodeMap)
  @Requires('terms:decide')
  load(
    @Audited() action: AuditedAction,
    @Body() body: unknown,
    @Headers('content-type') type: string | undefined,
    @Headers('content-length') length: string | undefined,
    @Who() account: Account,
  ): Promise<CodeMap> {
    return this.maps.load(action, body, { type: type ?? '', bytes: Number(length ?? 0) }, account);
  }

  /** Deletes a map. Conditions that were written with the map are kept. Returns 404 if the map does not exist. */
  @Delete(':id')
  @HttpCode(204)
  @Requires('terms:decide')
  remove(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<void> {
    return this.maps.remove(action, id);
  }
}
