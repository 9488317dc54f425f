import type { ErrorComponentProps } from '@tanstack/react-router';
import { Problem } from '../client/problems.ts';
import { NoPage } from './no.page.tsx';
import { ProblemView } from './problem.view.tsx';

/** Shows why a page cannot be drawn. */
export function PageProblem({ error, reset }: ErrorComponentProps) {
  if (error instanceof Problem && (error.status === 404 || error.status === 403)) return <NoPage />;
  return <ProblemView problem={error instanceof Error ? error : new Error(String(error))} again={reset} />;
}
