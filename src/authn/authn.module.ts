import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SecretsModule } from '../secrets/secrets.module.js';
import { AccessTokenStrategy } from './tokens/access.token.strategy.js';
import { AccessTokens } from './tokens/access.tokens.js';
import { AccountLookup } from './account.lookup.js';
import { AuthnGuard } from './authn.guard.js';
import { ExpiredSweeper } from './sign-in/expired.sweeper.js';
import { ExternalAccounts } from './oidc/external.accounts.js';
import { ExternalTokens } from './tokens/external.tokens.js';
import { JwksController } from './keys/jwks.controller.js';
import { KeyFile } from './keys/key.file.js';
import { ActiveSignIns } from './sign-in/active.sign.ins.js';
import { LoginController } from './sign-in/login.controller.js';
import { Logins } from './sign-in/login.service.js';
import { LoginThrottle } from './sign-in/login.throttle.js';
import { ExternalLogin } from './oidc/external.login.js';
import { OidcController } from './oidc/oidc.controller.js';
import { OidcProvider } from './oidc/oidc.provider.js';
import { OwnSessions } from './sign-in/own.sessions.js';
import { Passwords } from './sign-in/passwords.service.js';
import { RecentSignIns } from './tokens/recent.sign.ins.js';
import { RefreshTokens } from './tokens/refresh.tokens.js';
import { SessionCookies } from './sign-in/session.cookies.js';
import { SessionsController } from './sign-in/sessions.controller.js';
import { SignIns } from './sign-in/sign.ins.js';
import { SigningKeys } from './keys/signing.keys.js';
import { TokenPairs } from './tokens/token.pairs.js';
import { StoredSecrets } from './tokens/stored.secrets.js';

/** Finds the account of a request, and signs people in and out. */
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
    ExternalLogin,
    ExternalTokens,
    OidcProvider,
    KeyFile,
    ActiveSignIns,
    Logins,
    LoginThrottle,
    OwnSessions,
    Passwords,
    RecentSignIns,
    RefreshTokens,
    SessionCookies,
    SigningKeys,
    SignIns,
    StoredSecrets,
    TokenPairs,
  ],
  // The root module needs these providers for the global guard.
  exports: [
    ExternalTokens,
    AccountLookup,
    AuthnGuard,
    ActiveSignIns,
    OwnSessions,
    Passwords,
    RecentSignIns,
    SessionCookies,
    SignIns,
    StoredSecrets,
  ],
})
export class AuthnModule {}
