import { Card, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useId, useState } from 'react';
import css from './frame.module.css';

interface DropCardProps {
  readonly title: string;
  readonly help: string;
  /** Gets what was dropped. It can be read only during this call. */
  readonly drop: (dropped: DataTransfer) => void;
  /** Buttons for those who do not drag, and what follows them. */
  readonly children: ReactNode;
}

/** A field on which files are dropped. */
export function DropCard({ title, help, drop, children }: DropCardProps) {
  const [isOver, setOver] = useState(false);
  const id = useId();
  return (
    <Card
      withBorder
      component="section"
      aria-labelledby={id}
      className={css.drop}
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        drop(event.dataTransfer);
      }}
    >
      <Stack gap="xs">
        <Title order={2} size="h4" id={id}>
          {title}
        </Title>
        <Text className="quiet">{help}</Text>
        {children}
      </Stack>
    </Card>
  );
}
