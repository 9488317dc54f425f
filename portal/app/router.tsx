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
}

/** Reads the filters of an address. A filter in another form is ignored. */
function studyFilters({ modality, from, to }: Record<string, unknown>): StudyFilters {
  const day = /^\d{4}-\d\d-\d\d$/;
  return {
    modality: textLike(modality, /^[A-Z0-9_ ]{1,16}$/),
    from: textLike(from, day),
    to: textLike(to, day),
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
const profile = createRoute({
  getParentRoute: () => root,
  path: '/profile',
  component: lazyRouteComponent(() => import('../profile/profile.tsx'), 'Profile'),
});

export const router = createRouter({
  routeTree: root.addChildren([start, studies.addChildren([study]), images, looked, profile]),
  defaultErrorComponent: PageProblem,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
