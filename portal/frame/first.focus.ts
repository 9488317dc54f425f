import { type RefObject, useEffect, useRef } from 'react';

/** Returns a ref for a field that takes the focus when its form appears. */
export function useFirstFocus(): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return field;
}
