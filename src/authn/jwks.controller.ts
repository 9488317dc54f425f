import { Controller, Get, Header } from '@nestjs/common';
import { Public } from './access.decorators.js';
import { type PublishedKey, SigningKeys } from './signing.keys.js';

@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  /** The public keys of access tokens, for others that verify them (RFC 7517 §5). */
  @Get('jwks.json')
  @Public()
  @Header('cache-control', 'public, max-age=5')
  async list(): Promise<{ keys: readonly PublishedKey[] }> {
    return { keys: await this.keys.published() };
  }
}
