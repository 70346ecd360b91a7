import type { Status } from '../api/types';
import { settings } from './settings.svelte';

const date = { weekday: 'short', day: 'numeric', month: 'short' } as const;
const number = new Intl.NumberFormat(undefined);

const hours = (): Intl.DateTimeFormatOptions => ({ hour: '2-digit', minute: '2-digit', hourCycle: settings.chosen.clock === '24' ? 'h23' : 'h12' });

const kinds = {
  time: () => ({ ...hours(), second: '2-digit' }),
  hour: hours,
  day: () => date,
  moment: () => ({ ...date, ...hours() }),
  exact: () => ({ ...date, year: 'numeric', ...hours(), second: '2-digit', timeZoneName: 'short' }),
  // The same text for all of one day.
  key: () => ({ year: 'numeric', month: 'numeric', day: 'numeric' }),
  zone: () => ({ timeZoneName: 'short' }),
} satisfies Record<string, () => Intl.DateTimeFormatOptions>;

const made = new Map<string, Intl.DateTimeFormat>();

// format is one of the zone and clock that readers chose. To make one is slow: each is made when it is needed.
function format(kind: keyof typeof kinds): Intl.DateTimeFormat {
  const name = `${kind} ${settings.zone} ${settings.chosen.clock}`;
  let known = made.get(name);
  if (!known) {
    known = new Intl.DateTimeFormat(undefined, { timeZone: settings.zone, ...kinds[kind]() });
    made.set(name, known);
  }
  return known;
}

export type Moment = string | number | Date;

export const clock = (at: Moment): string => format('time').format(new Date(at));
export const hour = (at: Moment): string => format('hour').format(new Date(at));
export const day = (at: Moment): string => format('day').format(new Date(at));
export const exact = (at: Moment): string => format('exact').format(new Date(at));
export const dated = (at: Moment): string => format('moment').format(new Date(at));
export const count = (n: number): string => number.format(n);

export const sameDay = (a: Moment, b: Moment): boolean => format('key').format(new Date(a)) === format('key').format(new Date(b));

// zoneName is the zone that times are shown in, in short: "UTC", "GMT+1", "CET".
export const zoneName = (at: Moment): string => format('zone').formatToParts(new Date(at)).find((part) => part.type === 'timeZoneName')?.value ?? settings.zone;

// moment is short for what was today, and names the day of what was not.
export const moment = (at: Moment): string => (sameDay(at, Date.now()) ? `Today ${hour(at)}` : dated(at));

// stamp has seconds, and the day of what was not today.
export const stamp = (at: Moment): string => (sameDay(at, Date.now()) ? clock(at) : `${day(at)} ${clock(at)}`);

// plural counts things: "1 check", "1,000 checks".
export const plural = (n: number, thing: string): string => `${count(n)} ${thing}${n === 1 ? '' : 's'}`;

// milliseconds writes a latency: "142 ms", "1,284 ms", "0.4 ms".
export const milliseconds = (ms: number): string => `${number.format(ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms))} ms`;

// span writes how long something took or has been: "42 s", "3 min", "2 h 5 min", "4 d 2 h".
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 && minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

export const since = (at: Moment, now: number): string => span(now - new Date(at).getTime());

// percent writes a ratio with two decimals; null is no data. It never rounds up to 100.00.
export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined) return '–';
  const shown = ratio < 1 ? Math.min(99.99, Math.floor(ratio * 10000) / 100) : 100;
  return `${shown.toFixed(2)}%`;
}

// band is the colour of an uptime: by its value, not by the present state.
export function band(ratio: number | null | undefined): 'none' | 'low' | 'mid' | 'ok' {
  if (ratio === null || ratio === undefined) return 'none';
  if (ratio < 0.95) return 'low';
  return ratio < 0.99 ? 'mid' : 'ok';
}

const words: Record<Status, string> = {
  down: 'Down', degraded: 'Degraded', up: 'Up', unknown: 'Unknown', maintenance: 'Maintenance', paused: 'Paused',
};

export const word = (status: Status): string => words[status];

// token is the short name of a status in the style sheet.
export const token = (status: Status): string => (status === 'maintenance' ? 'maint' : status);
