import { badDay } from './bad.day.ts';

badDay(
  'a list is written once though its worker is killed three times, HAPI goes away and answers are lost',
  {
    rows: 1_200,
    awayMs: 5_000,
    limitMs: 400_000,
  },
);
