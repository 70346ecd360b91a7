import type { Definition } from '../api/types';

const names: Record<string, string> = {
  name: 'Name', service: 'Service', kind: 'Kind', target: 'Target', interval: 'Interval', cron: 'Schedule', time_zone: 'Time zone', grace: 'Grace', stale_after: 'Unknown after', timeout: 'Timeout',
  title: 'Title', description: 'Description', services: 'Services', show_causes: 'Causes shown', announcements: 'Announcements', rollup: 'Roll-up',
  retries: 'Retries', retry_delay: 'Retry delay', failure_threshold: 'Failures before down', success_threshold: 'Passes before up',
  degraded_after: 'Degraded above', invert: 'Invert', locations: 'Locations', quorum: 'Agreement', paused: 'Paused', assertions: 'Assertions',
};

export interface Change {
  // Path is the field in the definition: "interval", "options.method", "labels.team".
  path: string;
  name: string;
  before: string | undefined;
  after: string | undefined;
}

export const fieldName = (path: string): string => {
  const [head = '', ...rest] = path.split('.');
  if (head === 'labels') return `Label ${rest.join('.')}`;
  if (head === 'options') return rest.join(' ').replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase());
  return names[path] ?? path;
};

function flat(value: unknown, path: string, into: Map<string, string>): void {
  if (value === undefined || value === null || value === '') return;
  if (Array.isArray(value)) {
    // An assertion is shown by itself: one more or one less is what people look for.
    if (path === 'assertions') for (const one of value) into.set(`assertions ${String(one)}`, String(one));
    else if (value.length) into.set(path, value.join(', '));
  } else if (typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) flat(inner, path ? `${path}.${key}` : key, into);
  } else {
    into.set(path, String(value));
  }
}

// diff lists what changed from one definition to another.
export function diff(before: Partial<Definition>, after: Partial<Definition>): Change[] {
  const old = new Map<string, string>();
  const now = new Map<string, string>();
  flat(before, '', old);
  flat(after, '', now);
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => {
      const name = path.startsWith('assertions ') ? (old.has(path) ? 'Assertion removed' : 'Assertion added') : fieldName(path);
      return { path, name, before: old.get(path), after: now.get(path) };
    });
}
