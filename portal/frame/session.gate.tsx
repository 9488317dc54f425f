import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { meQuery } from '../client/me.ts';
import { Problem } from '../client/problems.ts';
import { onSessionChange, sessionState } from '../client/session.state.ts';
import { ProblemView } from './problem.view.tsx';
import { SessionWarning } from './session.warning.tsx';
import { SignInAgain } from './sign.in.again.tsx';

/** Returns the address of the sign-in page that leads back to this page. */
function signInAddress(): string {
  const here = location.pathname + location.search;
  return here === '/' ? '/login' : `/login?${new URLSearchParams({ next: here }).toString()}`;
}

/**
 * Shows the pages to a signed-in person. Before the first sign-in, it leads to the sign-in page. When the session ends later, the page stays
 * and asks for the password in place.
 */
export function SessionGate({ children }: { children: ReactNode }) {
  const { data: me, error, refetch } = useQuery(meQuery);
  const { ended } = useSyncExternalStore(onSessionChange, sessionState);
  const queries = useQueryClient();
  const isSignedOut = me === undefined && error instanceof Problem && error.status === 401;
  useEffect(() => {
    if (isSignedOut) location.replace(signInAddress());
  }, [isSignedOut]);
  if (me === undefined)
    return error === null || isSignedOut ? null : (
      <ProblemView problem={error} again={() => void refetch()} />
    );
  return (
    <>
      {children}
      {ended ? (
        <SignInAgain me={me} done={() => void queries.invalidateQueries()} />
      ) : (
        <SessionWarning stay={() => void refetch()} />
      )}
    </>
  );
}
