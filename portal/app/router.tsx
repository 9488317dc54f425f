import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { meQuery } from '../client/me.ts';
import { queries } from '../client/queries.ts';
import { Frame } from '../frame/frame.tsx';
import { menuOf } from '../frame/menu.entries.ts';
import { NoPage } from '../frame/no.page.tsx';
import { PageProblem } from '../frame/page.problem.tsx';
import { type StudyOrder, studyOrder } from '../studies/study.columns.ts';

const root = createRootRoute({ component: Frame, notFoundComponent: NoPage });

/** `/` has no page of its own. It leads to the first page that the account may use. */
const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: async () => {
    const [first] = menuOf(await queries.ensureQueryData(meQuery));
    throw redirect({ to: first?.path ?? '/profile', replace: true });
  },
});

/** The filters of the list of studies. They contain no patient data: words that may name a patient stay in memory. */
interface StudyFilters {
  readonly modality?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly sort?: StudyOrder | undefined;
}

/** Reads the filters of an address. A filter in another form is ignored. */
function studyFilters({ modality, from, to, sort }: Record<string, unknown>): StudyFilters {
  const day = /^\d{4}-\d\d-\d\d$/;
  return {
    modality: textLike(modality, /^[A-Z0-9_ ]{1,16}$/),
    from: textLike(from, day),
    to: textLike(to, day),
    sort: studyOrder(sort),
  };
}

function textLike(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined;
}

const studies = createRoute({
  getParentRoute: () => root,
  path: '/studies',
  validateSearch: studyFilters,
  component: lazyRouteComponent(() => import('../studies/studies.list.tsx'), 'StudiesList'),
});
const study = createRoute({
  getParentRoute: () => studies,
  path: '$study',
  component: lazyRouteComponent(() => import('../studies/study.details.tsx'), 'StudyDetails'),
});
const patient = createRoute({
  getParentRoute: () => root,
  path: '/studies/$study/patient',
  component: lazyRouteComponent(() => import('../studies/patient.page.tsx'), 'PatientPage'),
});
const view = createRoute({
  getParentRoute: () => root,
  path: '/view/$study',
  component: lazyRouteComponent(() => import('../viewer/viewer.page.tsx'), 'ViewerPage'),
});
const images = createRoute({
  getParentRoute: () => root,
  path: '/images',
  component: lazyRouteComponent(() => import('../patient/own.images.tsx'), 'OwnImages'),
});
const looked = createRoute({
  getParentRoute: () => root,
  path: '/looked',
  component: lazyRouteComponent(() => import('../patient/own.accesses.tsx'), 'OwnAccesses'),
});
const upload = createRoute({
  getParentRoute: () => root,
  path: '/upload',
  component: lazyRouteComponent(() => import('../uploads/upload.page.tsx'), 'UploadPage'),
});
const imports = createRoute({
  getParentRoute: () => root,
  path: '/imports',
  component: lazyRouteComponent(() => import('../records/imports.list.tsx'), 'ImportsList'),
});
const list = createRoute({
  getParentRoute: () => imports,
  path: '$list',
  component: lazyRouteComponent(() => import('../records/import.details.tsx'), 'ImportDetails'),
});
const words = createRoute({
  getParentRoute: () => root,
  path: '/words',
  component: lazyRouteComponent(() => import('../records/words.inbox.tsx'), 'WordsInbox'),
});
const word = createRoute({
  getParentRoute: () => words,
  path: '$word',
  component: lazyRouteComponent(() => import('../records/word.details.tsx'), 'WordDetails'),
});
const reviews = createRoute({
  getParentRoute: () => root,
  path: '/reviews',
  component: lazyRouteComponent(() => import('../records/reviews.list.tsx'), 'ReviewsList'),
});
const people = createRoute({
  getParentRoute: () => root,
  path: '/people',
  component: lazyRouteComponent(() => import('../people/people.list.tsx'), 'PeopleList'),
});
const person = createRoute({
  getParentRoute: () => people,
  path: '$user',
  component: lazyRouteComponent(() => import('../people/person.details.tsx'), 'PersonDetails'),
});
const groups = createRoute({
  getParentRoute: () => root,
  path: '/groups',
  component: lazyRouteComponent(() => import('../people/groups.list.tsx'), 'GroupsList'),
});
const group = createRoute({
  getParentRoute: () => groups,
  path: '$group',
  component: lazyRouteComponent(() => import('../people/group.details.tsx'), 'GroupDetails'),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  component: lazyRouteComponent(() => import('../audit/audit.page.tsx'), 'AuditPage'),
});
const machines = createRoute({
  getParentRoute: () => root,
  path: '/machines',
  component: lazyRouteComponent(() => import('../people/machines.list.tsx'), 'MachinesList'),
});
const machine = createRoute({
  getParentRoute: () => machines,
  path: '$machine',
  component: lazyRouteComponent(() => import('../people/machine.details.tsx'), 'MachineDetails'),
});
const explain = createRoute({
  getParentRoute: () => root,
  path: '/explain',
  component: lazyRouteComponent(() => import('../people/explain.page.tsx'), 'ExplainPage'),
});
const quarantine = createRoute({
  getParentRoute: () => root,
  path: '/quarantine',
  component: lazyRouteComponent(() => import('../system/quarantine.page.tsx'), 'QuarantinePage'),
});
const quarantined = createRoute({
  getParentRoute: () => quarantine,
  path: '$item',
  component: lazyRouteComponent(() => import('../system/quarantine.sides.tsx'), 'QuarantineSides'),
});
const system = createRoute({
  getParentRoute: () => root,
  path: '/system',
  component: lazyRouteComponent(() => import('../system/system.page.tsx'), 'SystemPage'),
});
const profile = createRoute({
  getParentRoute: () => root,
  path: '/profile',
  component: lazyRouteComponent(() => import('../profile/profile.tsx'), 'Profile'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    studies.addChildren([study]),
    patient,
    view,
    images,
    looked,
    upload,
    imports.addChildren([list]),
    words.addChildren([word]),
    reviews,
    people.addChildren([person]),
    groups.addChildren([group]),
    machines.addChildren([machine]),
    explain,
    audit,
    system,
    quarantine.addChildren([quarantined]),
    profile,
  ]),
  defaultErrorComponent: PageProblem,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
