/** Returns the token against forged requests, from the cookie that the sign-in set. It is empty without a session. */
export function csrfToken(cookies: string): string {
  return decodeURIComponent(/(?:^|;\s*)csrf_token=([^;]*)/.exec(cookies)?.[1] ?? '');
}
