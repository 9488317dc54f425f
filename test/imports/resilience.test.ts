import { badDay } from './bad.day.ts';

// Ten thousand rows and a minute of 503 are in test/long.
badDay(
  'a list is written once though its worker is killed three times, HAPI goes away and answers are lost',
  {
    rows: 300,
    awayMs: 2_000,
    limitMs: 400_000,
  },
);
