import { type RefObject, useEffect } from 'react';
import { onSessionChange, sessionEnded, sessionState, sessionUsed } from '../client/session.state.ts';

/** Passes on what the viewer in a frame says about the session (infra/viewer/portal.js), and tells it when the person has signed in again. */
export function useViewerChannel(frame: RefObject<HTMLIFrameElement | null>): void {
  useEffect(() => {
    const hear = ({ origin, source, data }: MessageEvent<unknown>) => {
      if (origin !== location.origin || source === null || source !== frame.current?.contentWindow) return;
      const event = typeof data === 'object' && data !== null && 'radgate' in data ? data.radgate : undefined;
      if (event === 'session-ended') sessionEnded();
      else if (event === 'session-used') sessionUsed();
    };
    let wasEnded = sessionState().ended;
    const tell = () => {
      const { ended } = sessionState();
      if (wasEnded && !ended)
        frame.current?.contentWindow?.postMessage({ radgate: 'signed-in' }, location.origin);
      wasEnded = ended;
    };
    window.addEventListener('message', hear);
    const end = onSessionChange(tell);
    return () => {
      window.removeEventListener('message', hear);
      end();
    };
  }, [frame]);
}

/** Whether the viewer holds measurements or segmentations that it has not saved. */
export function holdsUnsaved(frame: HTMLIFrameElement | null): boolean {
  const inside: unknown = frame?.contentWindow;
  if (typeof inside !== 'object' || inside === null || !('radgate' in inside)) return false;
  const { radgate } = inside;
  if (typeof radgate !== 'object' || radgate === null || !('isUnsaved' in radgate)) return false;
  return typeof radgate.isUnsaved === 'function' && radgate.isUnsaved() === true;
}
