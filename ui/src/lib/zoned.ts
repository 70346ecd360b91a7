import { settings } from './settings.svelte';

// Fields for date and time know no zone: what they hold is meant in the zone that readers chose.

// toField writes an instant as such a field takes it, to the minute.
export function toField(at: string | number): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: settings.zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  }).formatToParts(new Date(at));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}`;
}

// fromField is the instant that such a field names; empty when it names none.
export function fromField(text: string): string {
  const named = Date.parse(`${text}Z`);
  if (Number.isNaN(named)) return '';
  let at = named;
  // The second time, the offset of the zone is that of the instant itself.
  for (let i = 0; i < 2; i++) at = named - (Date.parse(`${toField(at)}Z`) - at);
  return new Date(at).toISOString();
}
