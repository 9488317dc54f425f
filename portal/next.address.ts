const HOME = '/viewer/';

/**
 * The address to open after signing in: the parameter `next` when it is a path of this origin (with query and fragment), else the viewer.
 * A value that a browser could read as another origin, and the sign-in page itself, count as absent.
 */
export function nextAddress(search: string, origin: string): string {
  const next = new URLSearchParams(search).get('next');
  if (!next?.startsWith('/') || !URL.canParse(next, origin)) return HOME;
  // Parse as a browser does (it drops tabs and reads `\\` as `/`), and return the parsed form.
  const address = new URL(next, origin);
  if (address.origin !== origin || address.pathname.startsWith('//')) return HOME; // `/.//elsewhere` has the path `//elsewhere`
  if (address.pathname === '/' || /^\/login\/?$/.test(address.pathname)) return HOME;
  return address.pathname + address.search + address.hash;
}
