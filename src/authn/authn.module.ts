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
import { SignInStarter } from './sign-in/sign.in.starter.js';
import { SignIns } from './sign-in/sign.ins.js';
import { SigningKeys } from './keys/signing.keys.js';
import { TokenPairs } from './tokens/token.pairs.js';
import { StoredSecrets } from './tokens/stored.secrets.js';
import { FactorPreviews } from './second-factor/factor.previews.js';
import { FactorProofs } from './second-factor/factor.proofs.js';
import { OwnFactorsController } from './second-factor/own.factors.controller.js';
import { OwnFactors } from './second-factor/own.factors.js';
import { Passkeys } from './second-factor/passkeys.js';
import { SecondFactorController } from './second-factor/second.factor.controller.js';
import { SecondFactors } from './second-factor/second.factors.js';
import { SignInChallenges } from './second-factor/sign-in.challenges.js';
import { StoredFactors } from './second-factor/stored.factors.js';

/** Finds the account of a request, and signs people in and out. */
@Module({
  imports: [AuditModule, SecretsModule],
  controllers: [
    OidcController,
    LoginController,
    SecondFactorController,
    OwnFactorsController,
    JwksController,
    SessionsController,
  ],
  providers: [
    AccessTokens,
    AccessTokenStrategy,
    AccountLookup,
    AuthnGuard,
    ExpiredSweeper,
    ExternalAccounts,
    ExternalLogin,
    ExternalTokens,
    FactorPreviews,
    FactorProofs,
    OidcProvider,
    KeyFile,
    ActiveSignIns,
    Logins,
    LoginThrottle,
    OwnFactors,
    OwnSessions,
    Passkeys,
    Passwords,
    RecentSignIns,
    RefreshTokens,
    SecondFactors,
    SessionCookies,
    SigningKeys,
    SignInChallenges,
    SignIns,
    SignInStarter,
    StoredFactors,
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
    FactorPreviews,
    OwnFactors,
    SignInChallenges,
    SignIns,
    StoredFactors,
    StoredSecrets,
  ],
})
export class AuthnModule {}
