import { statuses, type Check, type Status } from '../api/types';

// View is what of the board is shown, and in which order: the part of it that lives in the address.
export interface View {
  text: string;
  status: Status[];
  service: string;
  kind: string;
  label: string;
  sort: Sort;
}

export type Sort = 'worst' | 'name' | 'latency' | 'uptime';

export function viewOf(query: URLSearchParams): View {
  return {
    text: query.get('q') ?? '',
    status: (query.get('status') ?? '').split(',').filter((s): s is Status => (statuses as readonly string[]).includes(s)),
    service: query.get('service') ?? '',
    kind: query.get('kind') ?? '',
    label: query.get('label') ?? '',
    sort: (query.get('sort') as Sort | null) ?? 'worst',
  };
}

export function counts(checks: Iterable<Check>): Record<Status, number> {
  const by: Record<Status, number> = { down: 0, degraded: 0, up: 0, unknown: 0, maintenance: 0, paused: 0 };
  for (const check of checks) by[check.status as Status]++;
  return by;
}

// headline is the answer to "how are things?".
export function headline(by: Record<Status, number>): string {
  const all = statuses.reduce((sum, status) => sum + by[status], 0);
  const checks = (n: number): string => (n === 1 ? '1 check' : `${n} checks`);
  if (by.down) return `${checks(by.down)} down`;
  if (by.degraded) return `${checks(by.degraded)} degraded`;
  if (by.unknown) return `${checks(by.unknown)} unknown`;
  if (by.up === 0) return all === 0 ? 'Nothing on watch' : 'All is paused';
  return by.up === 1 ? 'The check is up' : `All ${by.up} checks up`;
}

export function matches(check: Check, view: View): boolean {
  if (view.status.length && !view.status.includes(check.status as Status)) return false;
  if (view.service && check.service !== view.service) return false;
  if (view.kind && check.kind !== view.kind) return false;
  if (view.label) {
    const [key = '', value] = view.label.split('=');
    const has = check.labels?.[key];
    if (has === undefined || (value !== undefined && has !== value)) return false;
  }
  const text = view.text.toLowerCase();
  return !text || [check.id, check.name, check.target].some((part) => part.toLowerCase().includes(text));
}

// order returns the ids in the order that the view asks for; ties are by name, then id.
export function order(checks: Iterable<Check>, view: View): string[] {
  const rank = (check: Check): number => statuses.indexOf(check.status as Status);
  const uptime = (check: Check): number => check.uptime?.['24h']?.ratio ?? 2;
  const by: Record<Sort, (a: Check, b: Check) => number> = {
    worst: (a, b) => rank(a) - rank(b),
    name: () => 0,
    latency: (a, b) => (b.latency_ms ?? 0) - (a.latency_ms ?? 0),
    uptime: (a, b) => uptime(a) - uptime(b),
  };
  return [...checks]
    .filter((check) => matches(check, view))
    .sort((a, b) => by[view.sort](a, b) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
    .map((check) => check.id);
}

// shortReason is what the latency column says of a failing check instead of a number.
export function shortReason(check: Check): string {
  const result = check.last_result;
  if (check.status === 'unknown') return 'no data';
  if (!result || result.outcome === 'success' || result.outcome === 'degraded') return '';
  const failed = result.assertions?.find((assertion) => !assertion.passed);
  if (failed?.actual) return failed.actual.slice(0, 12);
  const error = result.error.toLowerCase();
  for (const [needle, text] of [['timed out', 'timeout'], ['refused', 'refused'], ['no such host', 'no host'], ['nxdomain', 'NXDOMAIN'], ['certificate', 'certificate']] as const) {
    if (error.includes(needle)) return text;
  }
  return result.outcome === 'error' ? 'not run' : 'failed';
}
