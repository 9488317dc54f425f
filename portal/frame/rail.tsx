import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import css from './frame.module.css';
import favicon from '../favicon.svg';
import { Icon } from './icons.tsx';
import type { MenuEntry } from './menu.entries.ts';

interface RailProps {
  readonly entries: readonly MenuEntry[];
  readonly isCollapsed: boolean;
  readonly toggle: () => void;
}

/** The menu. It has only the pages that the account may use. */
export function Rail({ entries, isCollapsed, toggle }: RailProps) {
  const { t } = useTranslation();
  return (
    <nav className={css.rail} aria-label={t('frame.menu')}>
      <Link to="/" className={css.brand} aria-label="Radgate">
        <img src={favicon} alt="" width={28} height={28} />
        <span>Radgate</span>
      </Link>
      <ul className={css.entries}>
        {entries.map(({ path, name }) => (
          <li key={path}>
            <Link
              to={path}
              className={css.entry}
              activeProps={{ 'data-active': true, 'aria-current': 'page' }}
              title={isCollapsed ? t(`menu.${name}`) : undefined}
            >
              <Icon name={name} />
              <span>{t(`menu.${name}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
      <UnstyledButton
        className={css.collapse}
        onClick={toggle}
        aria-expanded={!isCollapsed}
        aria-label={t(isCollapsed ? 'frame.expand' : 'frame.collapse')}
        title={t(isCollapsed ? 'frame.expand' : 'frame.collapse')}
      >
        <Icon name={isCollapsed ? 'expand' : 'collapse'} />
      </UnstyledButton>
    </nav>
  );
}
