import type { IconName } from './icons.tsx';

/** An entry of the menu. `text` is the name of its text in `menu`. */
export interface MenuEntry {
  readonly path: '/studies' | '/images' | '/looked' | '/profile';
  readonly icon: IconName;
  readonly text: 'studies' | 'images' | 'looked' | 'profile';
}

/** What the menu depends on: the rights, and the linked patient. */
interface Person {
  readonly rights: readonly string[];
  readonly patient: object | null;
}

/** The rights that a patient may have over own images. An account with any other right is not a patient's account. */
const OWN = new Set(['studies:read', 'studies:store', 'studies:share']);

/** Whether the account belongs to a patient, who sees own images only. */
export function isPatient({ patient, rights }: Person): boolean {
  return patient !== null && rights.every((right) => OWN.has(right));
}

const STUDIES: MenuEntry = { path: '/studies', icon: 'studies', text: 'studies' };
const PROFILE: MenuEntry = { path: '/profile', icon: 'profile', text: 'profile' };
const OF_PATIENTS: readonly MenuEntry[] = [
  { path: '/images', icon: 'images', text: 'images' },
  { path: '/looked', icon: 'looked', text: 'looked' },
  PROFILE,
];

/** Returns the menu of a person: what the account may use, and nothing else. The first entry is the start page. */
export function menuOf(person: Person): readonly MenuEntry[] {
  if (isPatient(person)) return OF_PATIENTS;
  return [...(person.rights.includes('studies:read') ? [STUDIES] : []), PROFILE];
}
