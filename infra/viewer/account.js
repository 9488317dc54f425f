// The links of a viewer that runs alone in its tab: to the pages of the portal, to the account, and to sign out. In a frame of the portal,
// the portal shows them.
const signOut = async () => {
  const token = /(?:^|;\s*)csrf_token=([^;]*)/.exec(document.cookie)?.[1] ?? '';
  const answer = await fetch('/api/auth/logout', {
    method: 'POST',
    headers: { 'x-csrf-token': decodeURIComponent(token) },
  }).catch(() => undefined);
  // If the gateway has not ended the session, the sign-in page shows that the person is still signed in.
  window.location.assign(answer?.ok ? '/login' : `/login?next=${encodeURIComponent('/viewer/')}`);
};

/** Returns the name of the person who is signed in, or an empty text. */
const askName = async () => {
  const answer = await fetch('/api/me', { cache: 'no-store' }).catch(() => undefined);
  const account = answer?.ok ? (await answer.json()).account : undefined;
  return account?.display_name || account?.name || '';
};

/** The links at the left of the viewer's header, as a component of React. */
export const accountLinks = (React) => () => {
  const [name, setName] = React.useState('');
  React.useEffect(() => void askName().then(setName), []);
  const style = 'text-foreground px-2 whitespace-nowrap';
  const link = (href, text, more) => React.createElement('a', { href, className: `${style} ${more}` }, text);
  return React.createElement(
    'nav',
    { className: 'flex items-center text-base', 'aria-label': 'Radgate' },
    link('/', 'Radgate', 'text-lg font-semibold'),
    name === '' ? null : link('/profile', name, ''),
    name === ''
      ? null
      : React.createElement(
          'button',
          { type: 'button', className: style, onClick: () => void signOut() },
          'Sign out',
        ),
  );
};
