import { Button, Group, Modal, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { onSessionChange, sessionEnded, sessionState } from '../client/session.state.ts';

/** A session ends half an hour after its last request. */
const LIFE_MS = 30 * 60_000;
const WARNING_MS = 2 * 60_000;
const TICK_MS = 1000;

function secondsLeft(): number {
  return Math.ceil((sessionState().usedAt + LIFE_MS - Date.now()) / 1000);
}

/** Warns two minutes before the session ends. `stay` sends a request, which extends the session. */
export function SessionWarning({ stay }: { stay: () => void }) {
  const { t } = useTranslation();
  const [left, setLeft] = useState(secondsLeft);
  useEffect(() => {
    // The clock is read again each time, because the computer may have slept.
    const look = () => {
      const seconds = secondsLeft();
      setLeft(seconds);
      if (seconds <= 0) sessionEnded();
    };
    const timer = setInterval(look, TICK_MS);
    const end = onSessionChange(look);
    return () => {
      clearInterval(timer);
      end();
    };
  }, []);
  const isSoon = left * 1000 <= WARNING_MS && left > 0;
  return (
    <Modal opened={isSoon} onClose={stay} title={t('session.soonTitle')} centered withCloseButton={false}>
      <Text role="timer">
        {t('session.soon', { minutes: Math.floor(left / 60), seconds: String(left % 60).padStart(2, '0') })}
      </Text>
      <Group justify="flex-end" mt="md">
        <Button onClick={stay} data-autofocus>
          {t('session.stay')}
        </Button>
      </Group>
    </Modal>
  );
}
