const HOME = '/viewer/';

/**
 * Where to go after signing in: the page's `next` parameter when it is a path of this origin (path, query and fragment), else the viewer.
 * Anything that a browser could take for another origin, and the sign-in page itself, counts as absent.
 */
export function nextAddress(search: string, origin: string): string {
  const next = new URLSearchParams(search).get('next');
  if (!next?.startsWith('/') || !URL.canParse(next, origin)) return HOME;
  // Parsed as the browser will (it drops tabs and reads `\\` as `/`), and what is returned is the parsed form, not the given one.
  const address = new URL(next, origin);
  if (address.origin !== origin || address.pathname.startsWith('//')) return HOME; // `/.//elsewhere` has the path `//elsewhere`
  if (address.pathname === '/' || /^\/login\/?$/.test(address.pathname)) return HOME;
  return address.pathname + address.search + address.hash;
}
