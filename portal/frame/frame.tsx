import { Outlet, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../client/me.ts';
import css from './frame.module.css';
import { menuOf } from './menu.entries.ts';
import { Rail } from './rail.tsx';
import { TopBar } from './top.bar.tsx';

const COLLAPSED = 'radgate-rail';

/** The frame of all pages: the menu at the left (on a phone at the bottom), the top bar, and the page. The viewer has its own frame. */
export function Frame() {
  const { t } = useTranslation();
  const entries = menuOf(useMe());
  const isViewer = useRouterState({ select: ({ location }) => location.pathname.startsWith('/view/') });
  const [isCollapsed, setCollapsed] = useState(() => localStorage.getItem(COLLAPSED) === 'collapsed');
  const toggle = () => {
    localStorage.setItem(COLLAPSED, isCollapsed ? 'open' : 'collapsed');
    setCollapsed(!isCollapsed);
  };
  if (isViewer) return <Outlet />;
  return (
    <div className={css.frame} data-collapsed={isCollapsed}>
      <a className={css.skip} href="#page">
        {t('frame.skip')}
      </a>
      <Rail entries={entries} isCollapsed={isCollapsed} toggle={toggle} />
      <TopBar />
      <main id="page" className={css.page} tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}
