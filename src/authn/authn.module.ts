import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SecretsModule } from '../secrets/secrets.module.js';
import { AccessTokenStrategy } from './access.token.strategy.js';
import { AccessTokens } from './access.tokens.js';
import { AccountLookup } from './account.lookup.js';
import { AuthnGuard } from './authn.guard.js';
import { ExpiredSweeper } from './expired.sweeper.js';
import { ExternalAccounts } from './external.accounts.js';
import { ExternalTokens } from './external.tokens.js';
import { JwksController } from './jwks.controller.js';
import { KeyFile } from './key.file.js';
import { LivingSignIns } from './living.sign.ins.js';
import { LoginController } from './login.controller.js';
import { Logins } from './login.service.js';
import { LoginThrottle } from './login.throttle.js';
import { OidcController } from './oidc.controller.js';
import { OidcProvider } from './oidc.provider.js';
import { OwnSessions } from './own.sessions.js';
import { Passwords } from './passwords.service.js';
import { RefreshTokens } from './refresh.tokens.js';
import { SessionCookies } from './session.cookies.js';
import { SessionsController } from './sessions.controller.js';
import { SignIns } from './sign.ins.js';
import { SigningKeys } from './signing.keys.js';
import { StoredSecrets } from './stored.secrets.js';

/** WHO is behind a request, and how they sign in and out. */
@Module({
  imports: [AuditModule, SecretsModule],
  controllers: [OidcController, LoginController, JwksController, SessionsController],
  providers: [
    AccessTokens,
    AccessTokenStrategy,
    AccountLookup,
    AuthnGuard,
    ExpiredSweeper,
    ExternalAccounts,
    ExternalTokens,
    OidcProvider,
    KeyFile,
    LivingSignIns,
    Logins,
    LoginThrottle,
    OwnSessions,
    Passwords,
    RefreshTokens,
    SessionCookies,
    SigningKeys,
    SignIns,
    StoredSecrets,
  ],
  // The guard is global: the root module makes it from these.
  exports: [
    ExternalTokens,
    AccountLookup,
    AuthnGuard,
    LivingSignIns,
    OwnSessions,
    Passwords,
    SessionCookies,
    SignIns,
    StoredSecrets,
  ],
})
export class AuthnModule {}
