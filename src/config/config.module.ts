import { Global, Module } from '@nestjs/common';
import { type Env, readEnv } from './env.js';

/** Injection token of the frozen environment: `@Inject(ENV) env: Env`. */
export const ENV = Symbol('ENV');

@Global()
@Module({
  providers: [{ provide: ENV, useFactory: (): Env => readEnv(process.env) }],
  exports: [ENV],
})
export class ConfigModule {}
