import { badDay } from './bad.day.ts';

// Ten thousand rows and a minute of 503 are in test/long.
badDay(
  'a list is written once though its worker is killed three times, HAPI goes away and answers are lost',
  {
    rows: 150,
    awayMs: 1_000,
    limitMs: 400_000,
  },
);
