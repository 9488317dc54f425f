type PageName =
  | 'studies'
  | 'images'
  | 'looked'
  | 'upload'
  | 'imports'
  | 'words'
  | 'reviews'
  | 'people'
  | 'groups'
  | 'machines'
  | 'explain'
  | 'audit'
  | 'system'
  | 'quarantine'
  | 'profile';

/** An entry of the menu. Its name is also the name of its icon and of its text in `menu`. */
export interface MenuEntry {
  readonly path: `/${PageName}`;
  readonly name: PageName;
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

function entry(name: PageName): MenuEntry {
  return { path: `/${name}`, name };
}

/** The pages of the staff, in the order of the menu. An account may use a page if it has one of the rights. */
const OF_STAFF: readonly (readonly [name: PageName, ...rights: readonly string[]])[] = [
  ['studies', 'studies:read'],
  ['upload', 'studies:store'],
  ['imports', 'records:import', 'records:read'],
  ['words', 'terms:decide', 'records:read'],
  ['reviews', 'records:read'],
  ['people', 'access:manage'],
  ['groups', 'access:manage'],
  ['machines', 'access:manage'],
  ['explain', 'access:manage'],
  ['audit', 'audit:read'],
  ['system', 'system:operate'],
  ['quarantine', 'system:operate'],
];

/** Returns the menu of a person: what the account may use, and nothing else. The first entry is the start page. */
export function menuOf(person: Person): readonly MenuEntry[] {
  if (isPatient(person)) return [entry('images'), entry('looked'), entry('profile')];
  const allowed = OF_STAFF.filter(([, ...rights]) => rights.some((right) => person.rights.includes(right)));
  return [...allowed.map(([name]) => entry(name)), entry('profile')];
}
