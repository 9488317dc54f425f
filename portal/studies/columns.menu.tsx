import { ActionIcon, Button, Checkbox, Group, Popover, Stack } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../frame/icons.tsx';
import { chooseColumns, chosenColumns, COLUMN_NAMES, type ColumnName, onColumns } from './study.columns.ts';

/** Chooses the columns of the list and their order. The browser keeps the choice. */
export function ColumnsMenu() {
  const { t } = useTranslation();
  const chosen = useSyncExternalStore(onColumns, chosenColumns);
  const hidden = COLUMN_NAMES.filter((name) => !chosen.includes(name));
  const toggle = (name: ColumnName) =>
    chooseColumns(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  const earlier = (name: ColumnName) => {
    const at = chosen.indexOf(name);
    const others = chosen.filter((one) => one !== name);
    chooseColumns([...others.slice(0, at - 1), name, ...others.slice(at - 1)]);
  };
  return (
    <Popover position="bottom-end" trapFocus withinPortal>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<Icon name="columns" size={16} />}>
          {t('studies.choose')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {[...chosen, ...hidden].map((name) => (
            <Group key={name} justify="space-between" wrap="nowrap">
              <Checkbox
                label={t(`studies.columns.${name}`)}
                checked={chosen.includes(name)}
                disabled={name === 'patient'}
                onChange={() => toggle(name)}
              />
              <ActionIcon
                variant="subtle"
                disabled={chosen.indexOf(name) < 1}
                onClick={() => earlier(name)}
                aria-label={t('studies.earlier', { column: t(`studies.columns.${name}`) })}
                title={t('studies.earlier', { column: t(`studies.columns.${name}`) })}
              >
                <Icon name="up" size={16} />
              </ActionIcon>
            </Group>
          ))}
          <Button size="xs" variant="subtle" onClick={() => chooseColumns([])}>
            {t('studies.usualColumns')}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
