/** The least number of characters of a password. The gateway has the same rule. */
export const PASSWORD_LENGTH = 15;

/** Whether a password has too few characters. A character outside the Basic Multilingual Plane counts once. */
export function isTooShort(password: string): boolean {
  return Array.from(password).length < PASSWORD_LENGTH;
}
