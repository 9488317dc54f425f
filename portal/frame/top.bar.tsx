import { Button, Menu, useMantineColorScheme } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { nameOf, useMe } from '../client/me.ts';
import { tellSignedOut } from '../client/session.state.ts';
import { signOut } from '../session.client.ts';
import { LANGUAGE_CODES, LANGUAGES } from '../texts/languages.ts';
import { chooseLanguage, currentLanguage } from '../texts/texts.ts';
import { ActivityPanel } from './activity.panel.tsx';
import css from './frame.module.css';
import { Icon } from './icons.tsx';
import { SearchBox } from './search.box.tsx';
import { menuOf } from './menu.entries.ts';

const SCHEMES = ['auto', 'light', 'dark'] as const;

/** The bar above a page: its title, the search, and the menu of the account. */
export function TopBar() {
  const { t } = useTranslation();
  const me = useMe();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const here = menuOf(me).find((entry) => path === entry.path || path.startsWith(`${entry.path}/`));
  return (
    <header className={css.bar}>
      <h1 className={css.title}>{here === undefined ? 'Radgate' : t(`menu.${here.name}`)}</h1>
      {menuOf(me).some((entry) => entry.path === '/studies') && <SearchBox />}
      <ActivityPanel />
      <AccountMenu />
    </header>
  );
}

/** The person's name, with the menu of pages, languages and appearances, and the sign-out. */
export function AccountMenu() {
  const { t } = useTranslation();
  const me = useMe();
  const [name, entries] = [nameOf(me), menuOf(me)];
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [hasFailed, setFailed] = useState(false);
  const leave = async () => {
    const isOut = await signOut(document.cookie);
    setFailed(!isOut);
    if (!isOut) return;
    tellSignedOut();
    location.replace('/login');
  };
  return (
    <Menu position="bottom-end" width={230} closeOnItemClick={false}>
      <Menu.Target>
        <Button
          variant="subtle"
          leftSection={<Icon name="profile" />}
          className={css.account}
          aria-label={name}
        >
          <span className={css.name}>{name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={css.pages}>
          {entries.map((entry) => (
            <Menu.Item key={entry.name} renderRoot={(props) => <Link {...props} to={entry.path} />}>
              {t(`menu.${entry.name}`)}
            </Menu.Item>
          ))}
          <Menu.Divider />
        </div>
        <Menu.Label>{t('account.language')}</Menu.Label>
        {LANGUAGE_CODES.map((code) => (
          <Menu.Item
            key={code}
            lang={code}
            onClick={() => void chooseLanguage(code)}
            aria-current={currentLanguage() === code}
            rightSection={currentLanguage() === code ? '✓' : undefined}
          >
            {LANGUAGES[code]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{t('account.look')}</Menu.Label>
        {SCHEMES.map((scheme) => (
          <Menu.Item
            key={scheme}
            onClick={() => setColorScheme(scheme)}
            aria-current={colorScheme === scheme}
            rightSection={colorScheme === scheme ? '✓' : undefined}
          >
            {t(`account.schemes.${scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void leave()}>{t('account.signOut')}</Menu.Item>
        {hasFailed && <Menu.Label role="alert">{t('account.signOutFailed')}</Menu.Label>}
      </Menu.Dropdown>
    </Menu>
  );
}
