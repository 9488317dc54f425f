import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { Gives } from '../../http/response.shape.js';
import { Public } from '../access.decorators.js';
import { PublishedKey, SigningKeys } from './signing.keys.js';

const Keys = z.object({ keys: z.array(PublishedKey).readonly() });

@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  /** The public keys for verifying access tokens, as a JWK Set (RFC 7517 §5). */
  @Get('jwks.json')
  @Gives(Keys)
  @Public()
  @Header('cache-control', 'public, max-age=5')
  async list(): Promise<z.output<typeof Keys>> {
    return { keys: await this.keys.published() };
  }
}
