const HOME = '/';

/**
 * Returns the address to open after the sign-in. This is the parameter `next` if it is a path of this origin, with its query and fragment.
 * Otherwise the function returns `/`, which leads to the start page. The function ignores a path of the sign-in page and a value that a browser
 * could read as another origin.
 */
export function nextAddress(search: string, origin: string): string {
  const next = new URLSearchParams(search).get('next');
  if (!next?.startsWith('/') || !URL.canParse(next, origin)) return HOME;
  // Parses the value as a browser does: tabs are dropped, and `\\` is read as `/`. The parsed form is returned.
  const address = new URL(next, origin);
  if (address.origin !== origin || address.pathname.startsWith('//')) return HOME; // `/.//elsewhere` has the path `//elsewhere`
  if (address.pathname === '/' || /^\/login\/?$/.test(address.pathname)) return HOME;
  return address.pathname + address.search + address.hash;
}
