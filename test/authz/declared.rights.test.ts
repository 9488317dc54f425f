import { Controller, Get, Module } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { AnyAccount, Public } from '../../src/authn/access.decorators.js';
import { Requires } from '../../src/authz/authz.guard.js';
import { DeclaredRights } from '../../src/authz/declared.rights.js';

@Controller('open')
class Open {
  @Get('public')
  @Public()
  everybody() {
    return 'x';
  }

  @Get('account')
  @AnyAccount()
  known() {
    return 'x';
  }

  @Get('right')
  @Requires('studies:read')
  holder() {
    return 'x';
  }
}

@Controller('forgotten')
class Forgotten extends Open {
  @Get('nothing')
  nothing() {
    return 'x';
  }
}

function start(controllers: (typeof Open)[]) {
  @Module({ imports: [DiscoveryModule], controllers, providers: [DeclaredRights] })
  class House {}
  return NestFactory.createApplicationContext(House, { logger: false, abortOnError: false });
}

describe('closed by default', () => {
  it('starts when every route declares its right', async () => {
    const house = await start([Open]);
    await house.close();
  });

  it('does not start with a route without a declaration, and names the route', async () => {
    await expect(start([Open, Forgotten])).rejects.toThrow('Forgotten.nothing');
  });
});
