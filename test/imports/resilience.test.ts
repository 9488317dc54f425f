import { badDay } from './bad.day.ts';

// Ten thousand rows, three kills and a minute of 503 are in test/long.
badDay('a list is written once though its worker is killed, HAPI goes away and answers are lost', {
  rows: 150,
  kills: [0.05, 0.4],
  awayMs: 1_000,
  limitMs: 400_000,
});
