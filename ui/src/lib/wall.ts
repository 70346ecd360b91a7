import { settings } from './settings.svelte';

// Wall times are as an input of type datetime-local has them, in the zone that readers chose: "2026-03-14T09:00".

export function toWall(at: number): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: settings.zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}`;
}

// fromWall is NaN for what is no time. Of an hour that comes twice in autumn it is one of both.
export function fromWall(text: string): number {
  const wanted = Date.parse(`${text}:00Z`);
  if (Number.isNaN(wanted)) return NaN;
  let at = wanted;
  // The offset is that of the time itself, which is known by it: twice is enough at every change of clocks.
  for (let i = 0; i < 2; i++) at += wanted - Date.parse(`${toWall(at)}:00Z`);
  return at;
}
