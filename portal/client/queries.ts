import { QueryClient } from '@tanstack/react-query';
import { Problem } from './problems.ts';

const TRIES = 3;

/** The answers that the pages keep in memory. A page shows the kept answer at once and asks again. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => failures < TRIES && error instanceof Problem && error.mayPass,
    },
  },
});
