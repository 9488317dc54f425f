import { Controller, Get, Header } from '@nestjs/common';
import { GivesAs } from '../http/response.shape.js';
import { Public } from '../authn/access.decorators.js';
import { OpenApi } from './document.service.js';
import { PAGE_POLICY, documentationPage } from './page.js';

@Controller('api')
@Public()
export class OpenApiController {
  private json: string | undefined;
  private page: string | undefined;

  constructor(private readonly openApi: OpenApi) {}

  /** The OpenAPI 3.1 document of all routes. */
  @Get('openapi.json')
  @GivesAs({ 'application/json': null })
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'no-cache')
  document(): string {
    this.json ??= JSON.stringify(this.openApi.document());
    return this.json;
  }

  /** The same document as an HTML page without scripts. */
  @Get('docs')
  @GivesAs({ 'text/html': null })
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_POLICY)
  @Header('cache-control', 'no-cache')
  docs(): string {
    this.page ??= documentationPage(this.openApi.operations());
    return this.page;
  }
}
